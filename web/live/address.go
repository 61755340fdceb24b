package live

import (
	"net"
	"net/url"
	"strconv"
)

// addresses are the pages of what listens at at. If that is every address of the machine,
// they are loopback, for this machine, and each of its own hosts, for others.
func addresses(at net.Addr, own []string) []string {
	tcp, ok := at.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		host, port, _ := net.SplitHostPort(at.String())
		return []string{page(host, port)}
	}
	port := strconv.Itoa(tcp.Port)
	pages := []string{page("127.0.0.1", port)}
	for _, host := range own {
		ip := net.ParseIP(host)
		if ip.IsLoopback() || tcp.IP.To4() != nil && ip.To4() == nil { // 0.0.0.0 is for IPv4 alone
			continue
		}
		pages = append(pages, page(host, port))
	}
	return pages
}

// page is the address of the page; it escapes the zone of an IPv6 address.
func page(host, port string) string {
	return (&url.URL{Scheme: "http", Host: net.JoinHostPort(host, port), Path: "/"}).String()
}

// ownHosts are the addresses of this machine that a browser can open: without those of one
// link, which need a zone. None if the system does not tell.
func ownHosts() (hosts []string) {
	all, _ := net.InterfaceAddrs()
	for _, a := range all {
		if network, ok := a.(*net.IPNet); ok && !network.IP.IsLinkLocalUnicast() {
			hosts = append(hosts, network.IP.String())
		}
	}
	return hosts
}
