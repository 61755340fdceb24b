package player

import "time"

// A player can have modules in other processes and on other machines. What they and their
// player's starter need of each other is here.

// An Inviting is a Network that module log can join from another process.
type Inviting interface {
	Invite() (Invitation, error)
	// Members asks those that have joined on a user's server what they are, and waits so long
	// for answers. No two have the same id.
	Members(wait time.Duration) ([]Elsewhere, error)
	// Ask puts a question to one of them, and waits so long for the answer. See Config.Answer.
	Ask(id string, question []byte, wait time.Duration) ([]byte, error)
}

// An Elsewhere is a member that others have started, as it tells of itself.
type Elsewhere struct {
	ID    string `json:"id"`
	Sends bool   `json:"sends"` // it says messages; otherwise it is module log
	Facts string `json:"facts"`
}

// An Invitation is what module log needs to join a player in another process. It holds a
// password, so it belongs on no command line and in no log. Without URL the environment says it.
type Invitation struct {
	URL      string `json:"url"`
	User     string `json:"user"`
	Password string `json:"password"`
	// As in the player's Placement.
	Codec    string `json:"codec,omitempty"`
	Delivery string `json:"delivery,omitempty"`
	Share    string `json:"share,omitempty"`
	Flush    string `json:"flush,omitempty"`
	// Shared: others join, too, and what one had that died comes to another.
	Shared bool `json:"shared,omitempty"`
}

// A Member is a module that has joined a player in another process.
type Member interface {
	Described
	// Lost is closed when its connection is gone.
	Lost() <-chan struct{}
	// Close takes no more, finishes what it has and leaves. The store stays open.
	Close() error
}

// A Generating is a Member that says messages to the player that it has joined.
type Generating interface {
	Member
	// Sender opens a way for messages of its own, with so many under way at most.
	Sender(window int) (Sender, error)
}

// A Sender is the part of a Player that takes messages.
type Sender interface {
	Post(s Stimulus, done Done) error
	Settle() error
	Close() error
}
