package player

import "fmt"

// Limits of a message, in bytes.
const (
	UsernameLimit = 64
	TextLimit     = 4096
)

// A Message is what a user said.
type Message struct {
	Username string
	Text     string
	At       Ticks
}

// Check answers Invalid for a message that nobody said or that is too long.
func (m Message) Check() error {
	const op = "message"
	if m.Username == "" || len(m.Username) > UsernameLimit {
		return fail(Invalid, op, fmt.Errorf("username of %d bytes, want 1 to %d", len(m.Username), UsernameLimit))
	}
	if len(m.Text) > TextLimit {
		return fail(Invalid, op, fmt.Errorf("text of %d bytes, want %d at most", len(m.Text), TextLimit))
	}
	return nil
}

// Messages appends what was said. Part of module log.
type Messages struct {
	Lane  Lane
	store LogStore
}

// NewMessages returns the part over its store.
func NewMessages(store LogStore, verbatim bool) *Messages {
	return &Messages{Lane: NewLane("messages", verbatim), store: store}
}

// Append writes one row; it is durable after the store's Commit.
func (m *Messages) Append(msg Message) error {
	if err := msg.Check(); err != nil {
		return err
	}
	if err := m.store.AppendMessage(msg); err != nil {
		return fail(Unavailable, "messages: append", err)
	}
	var who uint64
	if !m.Lane.Quiet {
		who = DigestText(0, msg.Username)
	}
	m.Lane.Record("append", msg.Text, int64(who), int64(msg.At))
	return nil
}

// Users counts what each has said. Part of module log.
type Users struct {
	Lane  Lane
	store LogStore
}

// NewUsers returns the part over its store.
func NewUsers(store LogStore, verbatim bool) *Users {
	return &Users{Lane: NewLane("users", verbatim), store: store}
}

// Count adds one to the user's messages; durable after the store's Commit.
func (u *Users) Count(username string) error {
	if err := u.store.CountUser(username); err != nil {
		return fail(Unavailable, "users: count", err)
	}
	u.Lane.Record("count", username)
	return nil
}
