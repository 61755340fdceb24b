package natsbus

import (
	"cmp"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
)

// A server, or a cluster, of the user's. Where it is and who rubato is there are environment
// variables, since what is on a command line can be read by every program of the machine, and
// what is an option is in the results.
const (
	URLVar      = "RUBATO_NATS_URL"      // nats://host:port or tls://host:port; several of one cluster, separated by commas: the first that answers is used
	UserVar     = "RUBATO_NATS_USER"     // with PasswordVar; either may be in the URL, too
	PasswordVar = "RUBATO_NATS_PASSWORD" //
	TokenVar    = "RUBATO_NATS_TOKEN"    //
	NKeyVar     = "RUBATO_NATS_NKEY"     // file with a seed
	CredsVar    = "RUBATO_NATS_CREDS"    // file with a JWT and a seed
	CAVar       = "RUBATO_NATS_CA"       // file with certificates that may sign the server's
	CertVar     = "RUBATO_NATS_CERT"     // file with the client's certificate, with KeyVar
	KeyVar      = "RUBATO_NATS_KEY"      // file with its key
	PlayerVar   = "RUBATO_NATS_PLAYER"   // name of a player that workers of other processes join
	MonitorVar  = "RUBATO_NATS_MONITOR"  // http://host:8222, the monitoring of that server
)

// remoteOf reads the environment.
func remoteOf(getenv func(string) string) (*remote, error) {
	r := &remote{space: space(rand.Text()[:10]), sockets: map[net.Conn]struct{}{}, http: &http.Client{Timeout: remoteWait, Transport: &http.Transport{}}}
	user, password, token := getenv(UserVar), getenv(PasswordVar), getenv(TokenVar)
	for _, text := range strings.FieldsFunc(getenv(URLVar), func(c rune) bool { return c == ',' || c == ' ' }) {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || !slices.Contains([]string{"nats", "tls"}, u.Scheme) {
			return nil, fmt.Errorf("%s has no address of a server such as nats://host:4222 or tls://host:4222", URLVar) // the text may hold a secret
		}
		if name := u.User.Username(); name != "" {
			if secret, both := u.User.Password(); both {
				user, password = cmp.Or(user, name), cmp.Or(password, secret)
			} else {
				token = cmp.Or(token, name)
			}
		}
		u.User = nil
		r.urls = append(r.urls, u.String())
	}
	if len(r.urls) == 0 {
		return nil, fmt.Errorf("set %s to the address of your server, such as nats://host:4222", URLVar)
	}
	r.secrets = slices.DeleteFunc([]string{password, token}, func(s string) bool { return s == "" })
	if text := getenv(MonitorVar); text != "" {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("%s has no address of a server's monitoring such as http://host:8222", MonitorVar)
		}
		r.monitor = u
	}
	return r, r.identify(getenv, user, password, token)
}

// identify reads who we are.
func (r *remote) identify(getenv func(string) string, user, password, token string) error {
	var kinds, from []string
	is := func(kind, variable string, option nats.Option) {
		kinds, from, r.options = append(kinds, kind), append(from, variable), append(r.options, option)
	}
	if user != "" {
		is("user and password", UserVar+" and "+PasswordVar, nats.UserInfo(user, password))
	}
	if token != "" {
		is("token", TokenVar, nats.Token(token))
	}
	for _, name := range []string{NKeyVar, CredsVar, CAVar, CertVar, KeyVar} {
		if file := getenv(name); file != "" {
			if _, err := os.ReadFile(file); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if file := getenv(NKeyVar); file != "" {
		key, err := nats.NkeyOptionFromSeed(file)
		if err != nil {
			return fmt.Errorf("%s: %s holds no seed of an NKey, a line that begins with SU", NKeyVar, file)
		}
		is("nkey", NKeyVar, key)
	}
	if file := getenv(CredsVar); file != "" {
		is("credentials file", CredsVar, nats.UserCredentials(file))
	}
	if len(kinds) > 1 {
		return fmt.Errorf("there are %s: keep one of them", strings.Join(from, ", "))
	}
	if file := getenv(CAVar); file != "" {
		text, _ := os.ReadFile(file) // read above
		if !x509.NewCertPool().AppendCertsFromPEM(text) {
			return fmt.Errorf("%s: %s holds no certificate in PEM", CAVar, file)
		}
		r.options = append(r.options, nats.RootCAs(file))
	}
	cert, key := getenv(CertVar), getenv(KeyVar)
	if (cert == "") != (key == "") {
		return fmt.Errorf("set %s and %s, or neither", CertVar, KeyVar)
	}
	if cert != "" {
		if _, err := tls.LoadX509KeyPair(cert, key); err != nil {
			return fmt.Errorf("%s and %s: %w", CertVar, KeyVar, err)
		}
		is("client certificate", CertVar+" and "+KeyVar, nats.ClientCert(cert, key))
	}
	r.identity = cmp.Or(strings.Join(kinds, " and "), "no name")
	r.corrected = cmp.Or(strings.Join(from, " and "), strings.Join([]string{UserVar, TokenVar, NKeyVar, CredsVar}, ", or "))
	return nil
}
