package orchestrated

// A Rule is a synchronization: when something happened, where queries hold, then
// actions run in order, else others. It is data, keeps no state, and is declared
// once for all buses.
type Rule struct {
	Name   string
	Module string // whose engine runs it
	When   When
	Where  Where // nil: always
	Then   []Step
	Else   []Step // runs when Where does not hold
}

// When says what triggers a rule. Exactly one of the two is set.
type When struct {
	Any []Trigger // the rule runs at each; all bind the same variables
	All []Trigger // the rule runs once each has happened within one flow
}

// On is a When of one trigger.
func On(t Trigger) When { return When{Any: []Trigger{t}} }

// A Trigger matches an event, or a completed action, by URI.
type Trigger struct {
	URI    string            // "ap::Queue::depthChanged"
	Failed bool              // the action has failed; its inputs, "code" and "error" are the fields
	Bind   map[string]string // field → variable
}

// A Where is a condition: And, Or, Not or Ask.
type Where interface{ where() }

type (
	// And holds when all hold; it asks from left to right and stops at the first
	// that does not. What its queries give is bound from there on.
	And []Where
	// Or holds when one holds, and stops there. Since nobody knows which, it binds
	// nothing.
	Or []Where
	// Not holds when its condition does not. It binds nothing.
	Not struct{ Where Where }
	// Ask holds when the query does.
	Ask struct {
		Query string // URI
		With  Args
		Gives map[string]string // output → variable
	}
)

func (And) where() {}
func (Or) where()  {}
func (Not) where() {}
func (Ask) where() {}

// A Step runs an action. Its named outputs join the bindings.
type Step struct {
	Do    string // URI of the action
	With  Args
	Gives map[string]string // output → variable
}

// Args are the inputs of an action or query, by field. Each must be given.
type Args map[string]Term

// A Term is a variable or a constant.
type Term struct {
	Variable string // "" means the constant
	Constant Value
	Type     Type // of the constant
}

// Var takes a variable's value.
func Var(name string) Term { return Term{Variable: name} }

// Const is the same value each time.
func Const(t Type, v Value) Term { return Term{Constant: v, Type: t} }

// vars gives each field the variable of its own name.
func vars(names ...string) Args {
	args := Args{}
	for _, n := range names {
		args[n] = Var(n)
	}
	return args
}

// same binds each field to a variable of its own name.
func same(names ...string) map[string]string {
	bound := map[string]string{}
	for _, n := range names {
		bound[n] = n
	}
	return bound
}
