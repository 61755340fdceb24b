package natsbus

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"rubato/player"
)

// A server as a user has it: nats-server with a configuration file, in a process of its own.

// realCommand makes the test binary nats-server; runReal is what its main does.
const realCommand = "real-nats-server"

func runReal(args []string) {
	flags := flag.NewFlagSet(realCommand, flag.ExitOnError)
	options, err := server.ConfigureOptions(flags, args, func() {}, func() {}, func() {})
	if err == nil {
		var s *server.Server
		if s, err = server.NewServer(options); err == nil {
			s.ConfigureLogger()
			if err = server.Run(s); err == nil {
				s.WaitForShutdown()
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A real is one at work.
type real struct {
	process          *os.Process
	host, monitoring string // host:port, URL
}

// startReal starts one with this configuration, on free ports of the loopback address. It is
// killed at the end of the test.
func startReal(t *testing.T, config string) real {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "nats.conf")
	config = "host: 127.0.0.1\nport: -1\nhttp: 127.0.0.1:-1\nports_file_dir: " + dir + "\n" + config
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, realCommand, "-c", file)
	command.Stderr = os.Stderr
	if !testing.Verbose() {
		command.Args = append(command.Args, "-l", filepath.Join(dir, "log"))
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill() // it may be dead
		_ = command.Wait()
	})
	r := real{process: command.Process}
	ports := filepath.Join(dir, fmt.Sprintf("%s_%d.ports", filepath.Base(program), command.Process.Pid))
	for deadline := time.Now().Add(never); ; time.Sleep(5 * time.Millisecond) {
		var at struct{ Nats, Monitoring []string }
		text, err := os.ReadFile(ports)
		if err == nil && json.Unmarshal(text, &at) == nil && len(at.Nats) > 0 && len(at.Monitoring) > 0 {
			_, r.host, _ = cutScheme(at.Nats[0])
			r.monitoring = at.Monitoring[0]
			return r
		}
		if time.Now().After(deadline) {
			t.Fatalf("nats-server did not say where it listens: %v", err)
		}
	}
}

// An authority signs certificates.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.file, _ = a.issue("ca", time.Now().Add(time.Hour), "")
	return a
}

// issue writes a certificate for a host, and its key. The first is the authority's own.
func (a *authority) issue(name string, until time.Time, host string) (cert, key string) {
	a.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until, BasicConstraintsValid: true}
	if a.cert == nil {
		template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign
		a.cert, a.key = template, private
	} else {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = []net.IP{ip}
		} else {
			template.DNSNames = []string{host}
		}
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, a.cert, &private.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	if template.IsCA {
		if a.cert, err = x509.ParseCertificate(signed); err != nil {
			a.t.Fatal(err)
		}
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.write(name+".pem", "CERTIFICATE", signed), a.write(name+".key", "PRIVATE KEY", der)
}

func (a *authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// tlsConfig is that of a server with this certificate.
func tlsConfig(cert, key, more string) string {
	return fmt.Sprintf("tls { cert_file: %q, key_file: %q, timeout: 20 %s }\n", cert, key, more)
}

// seedFile writes the seed of a new user's NKey.
func seedFile(t *testing.T) (path, public string) {
	t.Helper()
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := pair.Seed()
	if err == nil {
		public, err = pair.PublicKey()
	}
	path = filepath.Join(t.TempDir(), "user.nk")
	if err == nil {
		err = os.WriteFile(path, seed, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path, public
}

// accounts makes an operator, an account and a user of it: the configuration of a server that
// knows them, and the user's credentials file.
func accounts(t *testing.T) (config, creds string) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	pair := func(create func() (nkeys.KeyPair, error)) (nkeys.KeyPair, string) {
		k, err := create()
		check(err)
		public, err := k.PublicKey()
		check(err)
		return k, public
	}
	operator, operatorID := pair(nkeys.CreateOperator)
	account, accountID := pair(nkeys.CreateAccount)
	user, userID := pair(nkeys.CreateUser)
	operatorJWT, err := jwt.NewOperatorClaims(operatorID).Encode(operator)
	check(err)
	accountJWT, err := jwt.NewAccountClaims(accountID).Encode(operator)
	check(err)
	userJWT, err := jwt.NewUserClaims(userID).Encode(account)
	check(err)
	seed, err := user.Seed()
	check(err)
	text, err := jwt.FormatUserConfig(userJWT, seed)
	check(err)
	creds = filepath.Join(t.TempDir(), "user.creds")
	check(os.WriteFile(creds, text, 0o600))
	return fmt.Sprintf("operator: %s\nresolver: MEMORY\nresolver_preload { %s: %s }\n", operatorJWT, accountID, accountJWT), creds
}

// TestServerComesBack: a player that is measured waits for a server that is about to come back. Who
// only asks is told at once.
func TestServerComesBack(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := free.Addr().(*net.TCPAddr)
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	there := environment(URLVar, "nats://"+at.String())
	if _, err := joinRemote(there, core); err == nil || !strings.Contains(err.Error(), "no NATS server answers") {
		t.Errorf("nobody is there: %v", err)
	}
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: at.Port, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(100*time.Millisecond, s.Start)
	t.Cleanup(func() { late.Stop(); s.Shutdown(); s.WaitForShutdown() })
	n, err := joinRemote(there, player.Placement{Delivery: deliveryCore, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}
