package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"sync"
)

// httpRival is HTTP/1.1 between modules, as the original player has it: each module serves its
// actions, and the events that it hears, on a loopback socket of its own. A request is a POST; so is
// an event, which has been heard when the answer comes.
var httpRival = rival{
	name: "http", doc: "HTTP between modules, over loopback sockets that stay open", json: true, sockets: true,
	guarantees: guarantees{delivered: true, inOrder: true, beforeReturn: true, how: "a POST each, answered when it is handled"},
	open:       openHTTP,
}

type httpCarrier struct {
	urls    []*url.URL // by door
	clients map[*end]*http.Client
	servers []*http.Server
	serving sync.WaitGroup
}

func openHTTP(p plan) (carrier, error) {
	c := &httpCarrier{urls: make([]*url.URL, len(p.doors)), clients: map[*end]*http.Client{}}
	for _, e := range p.ends {
		if err := c.serve(e, p); err != nil {
			return nil, errors.Join(err, c.close())
		}
		c.clients[e] = &http.Client{Timeout: p.timeout, Transport: &http.Transport{MaxIdleConnsPerHost: 4, DisableCompression: true}}
	}
	return c, nil
}

// serve listens for a module and answers at its doors.
func (c *httpCarrier) serve(e *end, p plan) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	for _, d := range p.doors {
		if d.owner == e {
			c.urls[d.id] = &url.URL{Scheme: "http", Host: listener.Addr().String(), Path: "/" + d.topic}
			mux.HandleFunc("POST /"+d.topic, func(w http.ResponseWriter, r *http.Request) { handle(d, w, r) })
		}
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: p.timeout, ErrorLog: log.New(io.Discard, "", 0)}
	c.servers = append(c.servers, server)
	c.serving.Go(func() { _ = server.Serve(listener) }) // returns that it was closed
	return nil
}

// handle answers a request, or hears an event.
func handle(d *door, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBytes))
	x := &exchange{}
	if err == nil {
		err = x.ask.decodeFor(d.owner, body, d.in)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if d.hear != nil {
		d.hear(&x.ask)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	x.room(d)
	d.answer(x)
	reply, err := x.reply.encodeFor(d.owner, nil, d.out)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(reply) // who asked notices
}

func (c *httpCarrier) ask(from *end, d *door, x *exchange) error {
	reply, err := c.post(from, d, &x.ask)
	if err == nil {
		err = x.reply.decodeFor(from, reply, d.out)
	}
	if err == nil {
		x.answered <- struct{}{}
	}
	return err
}

func (c *httpCarrier) publish(from *end, d *door, e *envelope) error {
	_, err := c.post(from, d, e)
	return err
}

func (c *httpCarrier) post(from *end, d *door, e *envelope) ([]byte, error) {
	body, err := e.encodeFor(from, nil, d.in)
	if err != nil {
		return nil, err
	}
	answer, err := c.clients[from].Do(&http.Request{Method: http.MethodPost, URL: c.urls[d.id], Header: http.Header{},
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))})
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, mostBytes))
	if err == nil && answer.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s answered %s: %s", d.owner.name, answer.Status, bytes.TrimSpace(text))
	}
	return text, err
}

func (c *httpCarrier) close() (err error) {
	for _, client := range c.clients {
		client.CloseIdleConnections()
	}
	for _, server := range c.servers {
		err = errors.Join(err, server.Close())
	}
	c.serving.Wait()
	return err
}
