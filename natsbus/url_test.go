package natsbus

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rubato/player"
)

// secret is what no error may show.
const secret = "correct-horse"

// environment is one of these variables alone.
func environment(pairs ...string) func(string) string {
	return func(name string) string {
		if i := slices.Index(pairs, name); i >= 0 {
			return pairs[i+1]
		}
		return ""
	}
}

func cutScheme(address string) (scheme, host string, found bool) {
	return strings.Cut(address, "://")
}

// TestServerOfTheUsers: every way in which a server knows its users, over sockets with and
// without TLS. A message crosses, and the facts say what was in use.
func TestServerOfTheUsers(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cert, key := ca.issue("server", time.Now().Add(time.Hour), "127.0.0.1")
	mine, myKey := ca.issue("client", time.Now().Add(time.Hour), "rubato")
	seed, public := seedFile(t)
	operated, creds := accounts(t)
	for name, c := range map[string]struct {
		config, scheme, userinfo string
		set                      []string
		identity, encryption     string
	}{
		"open":             {scheme: "nats", identity: "no name", encryption: "none"},
		"user":             {config: `authorization { user: ada, password: ` + secret + ` }`, scheme: "nats", set: []string{UserVar, "ada", PasswordVar, secret}, identity: "user and password", encryption: "none"},
		"user in the URL":  {config: `authorization { user: ada, password: ` + secret + ` }`, scheme: "nats", userinfo: "ada:" + secret + "@", identity: "user and password", encryption: "none"},
		"token":            {config: `authorization { token: ` + secret + ` }`, scheme: "nats", set: []string{TokenVar, secret}, identity: "token", encryption: "none"},
		"token in the URL": {config: `authorization { token: ` + secret + ` }`, scheme: "nats", userinfo: secret + "@", identity: "token", encryption: "none"},
		"nkey":             {config: `authorization { users: [ { nkey: ` + public + ` } ] }`, scheme: "nats", set: []string{NKeyVar, seed}, identity: "nkey", encryption: "none"},
		"credentials":      {config: operated, scheme: "nats", set: []string{CredsVar, creds}, identity: "credentials file", encryption: "none"},
		"TLS":              {config: tlsConfig(cert, key, ""), scheme: "tls", set: []string{CAVar, ca.file}, identity: "no name", encryption: "TLS 1.3"},
		"client certificate": {config: tlsConfig(cert, key, fmt.Sprintf(", ca_file: %q, verify: true", ca.file)), scheme: "tls",
			set: []string{CAVar, ca.file, CertVar, mine, KeyVar, myKey}, identity: "client certificate", encryption: "TLS 1.3"},
		"few rights": {config: `authorization { users: [ { user: ada, password: ` + secret + `, permissions: { publish: "rubato.>", subscribe: ["rubato.>"] } } ] }`,
			scheme: "nats", set: []string{UserVar, "ada", PasswordVar, secret}, identity: "user and password", encryption: "none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := startReal(t, c.config)
			address := c.scheme + "://" + at.host
			set := append(c.set, URLVar, c.scheme+"://"+c.userinfo+at.host)
			for _, monitor := range []string{"", at.monitoring} {
				n, err := joinRemote(environment(append(set, MonitorVar, monitor)...), core)
				if err != nil {
					t.Fatal(err)
				}
				defer n.Close()
				counted := map[bool]string{true: "the modules' own connections", false: "its server's monitoring"}[monitor == ""]
				crossesOnce(t, n, map[string]string{"transport": "url", "server": address, "identity": c.identity,
					"encryption": c.encryption, "messages counted by": counted})
			}
		})
	}
}

// core is where messages are not kept.
var core = player.Placement{Transport: "url", Delivery: deliveryCore}

// crossesOnce says one message over the network, which must count it, and is then cut.
func crossesOnce(t *testing.T, n *network, want map[string]string) {
	t.Helper()
	w, store := open(t, player.Config{Placement: player.Placement{Transport: "url", Network: n}, Timeout: never})
	for _, f := range w.Describe() {
		if expected, asked := want[f.Name]; asked && f.Value != expected {
			t.Errorf("%s is %q, want %q", f.Name, f.Value, expected)
		}
		delete(want, f.Name)
		if strings.Contains(f.Value, secret) {
			t.Errorf("%s shows the secret: %q", f.Name, f.Value)
		}
	}
	if len(want) > 0 {
		t.Errorf("no facts %v", want)
	}
	sent := func() map[string]int64 {
		links, err := n.Links()
		if err != nil {
			t.Fatal(err)
		}
		by := map[string]int64{}
		for _, l := range links {
			by[l.Module] = l.Sent
		}
		return by
	}
	before := sent()
	if err := w.Do(said(1)); err != nil || store.messages.Load() != 1 {
		t.Fatalf("%d messages stored, %v", store.messages.Load(), err)
	}
	for deadline := time.Now().Add(never); ; time.Sleep(time.Millisecond) { // a server adds up after it has passed on
		now := sent()
		if now["ui"] == before["ui"]+1 && now["log"] == before["log"]+1 && len(now) == len(modules) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("before the message modules had sent %v, after it %v", before, now)
		}
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if err := w.Do(said(2)); player.CodeOf(err) != player.Unavailable {
		t.Errorf("without the connections: %v", err)
	}
	if err := w.joinModule(w.log); err == nil {
		t.Error("a module joined after the end of the network")
	}
}

// TestTwoPlayersShareAServer: neither hears what the other says.
func TestTwoPlayersShareAServer(t *testing.T) {
	t.Parallel()
	at := startReal(t, "")
	var players []*wired
	var stores []*memory
	for range 2 {
		n, err := joinRemote(environment(URLVar, "nats://"+at.host, MonitorVar, at.monitoring), core)
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		w, store := open(t, player.Config{Placement: player.Placement{Transport: "url", Network: n}, Timeout: never})
		players, stores = append(players, w), append(stores, store)
	}
	for i := range uint64(20) {
		if err := players[i%2].Do(said(i + 1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := players[0].Do(player.Stimulus{Kind: player.VolumeSet, Seq: 30, Volume: 7}); err != nil {
		t.Fatal(err)
	}
	if a, b := stores[0].messages.Load(), stores[1].messages.Load(); a != 10 || b != 10 {
		t.Errorf("of 10 messages each, %d and %d are stored", a, b)
	}
	if s, err := players[1].Status(31); err != nil || s.Volume == 7 {
		t.Errorf("the other's volume is %d, %v", s.Volume, err)
	}
}

// TestFirstThatAnswers: of several addresses all modules take the same, and its monitoring is the
// one that counts.
func TestFirstThatAnswers(t *testing.T) {
	t.Parallel()
	first, second := startReal(t, ""), startReal(t, "")
	list := "nats://127.0.0.1:1,nats://" + first.host + ", nats://" + second.host
	for range 5 { // which none may pass by chance
		n, err := joinRemote(environment(URLVar, list, MonitorVar, first.monitoring), core)
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		crossesOnce(t, n, map[string]string{"server": "nats://" + first.host})
	}
	refusesEnvironment(t, []string{URLVar, list, MonitorVar, second.monitoring}, "does not list the connection to nats://"+first.host, "name the monitoring of that server")
}

// TestServerGone: when the server dies, what is under way fails at once, and so does all that
// follows.
func TestServerGone(t *testing.T) {
	t.Parallel()
	at := startReal(t, "")
	n, err := joinRemote(environment(URLVar, "nats://"+at.host), core)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	w, _ := open(t, player.Config{Placement: player.Placement{Transport: "url", Network: n}, Timeout: time.Hour}) // which nothing may wait for
	if err := w.Do(said(1)); err != nil {
		t.Fatal(err)
	}
	if err := at.process.Kill(); err != nil {
		t.Fatal(err)
	}
	for seq := uint64(2); ; seq++ { // some may be on their way before it is dead
		err := w.Do(said(seq))
		if err == nil {
			continue
		}
		if player.CodeOf(err) != player.Unavailable {
			t.Errorf("%v", err)
		}
		break
	}
	if _, err := joinRemote(environment(URLVar, "nats://"+at.host), core); err == nil || !strings.Contains(err.Error(), "no NATS server answers") {
		t.Errorf("%v", err)
	}
}

// TestBadServer: each thing that can be wrong with a server of the user's is told with what to
// do next, and without a secret. Nothing takes longer than a user would wait.
func TestBadServer(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t), newAuthority(t)
	cert, key := ca.issue("server", time.Now().Add(time.Hour), "127.0.0.1")
	expired, expiredKey := ca.issue("expired", time.Now().Add(-time.Hour), "127.0.0.1")
	elsewhere, elsewhereKey := ca.issue("elsewhere", time.Now().Add(time.Hour), "nats.example")
	seed, public := seedFile(t)
	strange, _ := seedFile(t)
	operated, _ := accounts(t)
	_, strangeCreds := accounts(t)
	user := `authorization { user: ada, password: the-right-one }`
	rights := func(publish, subscribe string) string {
		return fmt.Sprintf("authorization { users: [ { user: ada, password: %s, permissions: { publish: [%s], subscribe: [%s] } } ] }", secret, publish, subscribe)
	}
	ada := []string{UserVar, "ada", PasswordVar, secret}
	for name, c := range map[string]struct {
		config, scheme string
		set            []string
		want           []string
	}{
		"wrong password":      {config: user, set: ada, want: []string{"by user and password", "Authorization Violation", "correct " + UserVar}},
		"no password":         {config: user, want: []string{"by no name", "correct", UserVar, CredsVar}},
		"wrong token":         {config: `authorization { token: the-right-one }`, set: []string{TokenVar, secret}, want: []string{"by token", "correct " + TokenVar}},
		"wrong nkey":          {config: `authorization { users: [ { nkey: ` + public + ` } ] }`, set: []string{NKeyVar, strange}, want: []string{"by nkey", "correct " + NKeyVar}},
		"wrong credentials":   {config: operated, set: []string{CredsVar, strangeCreds}, want: []string{"by credentials file", "correct " + CredsVar}},
		"unknown CA":          {config: tlsConfig(cert, key, ""), scheme: "tls", want: []string{"nobody known has signed", CAVar}},
		"another CA":          {config: tlsConfig(cert, key, ""), scheme: "tls", set: []string{CAVar, other.file}, want: []string{"nobody known has signed", CAVar}},
		"expired certificate": {config: tlsConfig(expired, expiredKey, ""), scheme: "tls", set: []string{CAVar, ca.file}, want: []string{"is not valid", "expired", "renew it"}},
		"another's certificate": {config: tlsConfig(elsewhere, elsewhereKey, ""), scheme: "tls", set: []string{CAVar, ca.file},
			want: []string{"is not valid", "127.0.0.1"}},
		"no client certificate": {config: tlsConfig(cert, key, fmt.Sprintf(", ca_file: %q, verify: true", ca.file)), scheme: "tls", set: []string{CAVar, ca.file},
			want: []string{"certificate", "correct " + CertVar}},
		"no TLS there":     {scheme: "tls", want: []string{"has no TLS", "use nats://"}},
		"no headers":       {config: "no_header_support: true", want: []string{"has no headers", "2.2 or newer"}},
		"small payload":    {config: "max_payload: 1024", want: []string{"at most 1024 bytes", "raise its max_payload"}},
		"publish denied":   {config: rights(`"other.>"`, `">"`), set: ada, want: []string{"denies", "Publish", "rubato.>"}},
		"subscribe denied": {config: rights(`"rubato.>"`, `"other.>"`), set: ada, want: []string{"denies", "Subscription", "rubato.>"}},
		"too many secrets": {set: []string{TokenVar, secret, NKeyVar, seed}, want: []string{"keep one of them", TokenVar, NKeyVar}},
		"no such file":     {set: []string{CredsVar, "/nowhere/user.creds"}, want: []string{CredsVar, "/nowhere/user.creds", "no such file"}},
		"no seed":          {set: []string{NKeyVar, cert}, want: []string{NKeyVar, "no seed"}},
		"no certificate":   {set: []string{CAVar, key}, want: []string{CAVar, "no certificate"}},
		"half a pair":      {set: []string{CertVar, cert}, want: []string{"set " + CertVar + " and " + KeyVar}},
		"not a pair":       {set: []string{CertVar, cert, KeyVar, expiredKey}, want: []string{CertVar, KeyVar}},
		"monitor is none":  {set: []string{MonitorVar, "ada:" + secret}, want: []string{MonitorVar, "http://host:8222"}},
		"monitor is away":  {set: []string{MonitorVar, "http://ada:" + secret + "@127.0.0.1:1"}, want: []string{"127.0.0.1:1 does not answer", MonitorVar}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := startReal(t, c.config)
			scheme := c.scheme
			if scheme == "" {
				scheme = "nats"
			}
			refusesEnvironment(t, append(c.set, URLVar, scheme+"://"+at.host), c.want...)
		})
	}
}

// refusesEnvironment fails if the network is found, or if it is not told what is wrong.
func refusesEnvironment(t *testing.T, set []string, want ...string) {
	t.Helper()
	began := time.Now()
	n, err := joinRemote(environment(set...), core)
	if err == nil {
		_ = n.Close()
		t.Fatal("no error")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if player.CodeOf(err) != player.Invalid {
		t.Errorf("code %q", player.CodeOf(err))
	}
	for _, word := range want {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%v does not say %q", err, word)
		}
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("the secret is in %v", err)
	}
}

// TestNoServer: addresses behind which there is no server, or that are none. Their text may
// hold a password, so it is not repeated.
func TestNoServer(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	address := silent.Addr().String()
	for name, c := range map[string]struct {
		url  string
		want []string
	}{
		"none":          {"", []string{"set " + URLVar, "nats://host:4222"}},
		"nobody":        {"nats://ada:" + secret + "@127.0.0.1:1", []string{"no NATS server answers at nats://127.0.0.1:1", "start it, or correct " + URLVar}},
		"silent":        {"nats://ada:" + secret + "@" + address, []string{"nats://" + address}},
		"three silent":  {strings.Repeat(",nats://"+address, 3), []string{"nats://" + address}},
		"no scheme":     {"ada:" + secret + "@127.0.0.1:4222", []string{URLVar, "nats://host:4222"}},
		"a browser's":   {"http://ada:" + secret + "@127.0.0.1", []string{URLVar, "nats://host:4222"}},
		"a blank in it": {"nats://ada:" + secret + " more@127.0.0.1", []string{URLVar}},
		"a bad port":    {"nats://ada:" + secret + "@127.0.0.1:port", []string{URLVar}},
		"a bad escape":  {"nats://ada:%zz" + secret + "@127.0.0.1", []string{URLVar}},
	} {
		t.Run(name, func(t *testing.T) { refusesEnvironment(t, []string{URLVar, c.url}, c.want...) })
	}
}

// TestProcess: the server's process ends with its network, and with its starter. What it is
// told is on no command line and in no environment.
func TestProcess(t *testing.T) {
	t.Parallel()
	began := time.Now()
	n, err := startNetwork(player.Config{Placement: player.Placement{Transport: "process"}}.Defaults().Placement)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("started in %v", time.Since(began))
	defer n.Close()
	pid, _ := n.where()
	for _, file := range []string{"cmdline", "environ"} {
		text, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(pid), file))
		if err != nil {
			t.Fatal(err)
		}
		for module, user := range n.users {
			if strings.Contains(string(text), user.Password) {
				t.Errorf("the password of %s is in the %s of the server's process", module, file)
			}
		}
	}
	w, _ := open(t, player.Config{Placement: player.Placement{Transport: "process", Network: n}, Timeout: never})
	if got := n.used(w.ui.conn.Load()); got != "process" {
		t.Errorf("it uses transport %q", got)
	}
	_ = n.carrier.(*process).input.Close() // as if this process were gone
	select {
	case <-n.carrier.(*process).ended:
	case <-time.After(never):
		t.Fatal("it lives on without its starter")
	}
	if err := w.Do(said(1)); player.CodeOf(err) != player.Unavailable {
		t.Errorf("without the server: %v", err)
	}
	if _, err := n.Links(); err == nil {
		t.Error("its counters were read all the same")
	}
	if _, err := w.Observe(); player.CodeOf(err) != player.Unavailable || !strings.Contains(err.Error(), "module log: unavailable: it has lost its connection") {
		t.Errorf("observed without the server: %v", err)
	}
}

// TestServeRefuses: a server that is told nothing, or nonsense, says so and ends.
func TestServeRefuses(t *testing.T) {
	t.Parallel()
	for _, told := range []string{"", "\n", "nonsense\n", "[]\n"} {
		var out strings.Builder
		if code := Serve(strings.NewReader(told), &out); code == 0 || !strings.Contains(out.String(), `"error"`) {
			t.Errorf("told %q: code %d, says %q", told, code, out.String())
		}
	}
}

// TestHide: a secret that a library quotes is left out.
func TestHide(t *testing.T) {
	t.Parallel()
	r := &remote{secrets: []string{secret}, urls: []string{"nats://127.0.0.1:4222"}}
	for _, err := range []error{errors.New("no " + secret), fmt.Errorf("dial: %w", errors.New(secret))} {
		if got := r.explain(err).Error(); strings.Contains(got, secret) {
			t.Error(got)
		}
	}
}
