package orchestrated

import "rubato/player"

// Module pd: the program director.

// TimeslotsConcept is pd::Timeslots.
func TimeslotsConcept(t *player.Timeslots) Concept {
	return Concept{
		Module: "pd", Name: "Timeslots",
		Actions: []Action{{
			Name: "override", In: []Field{{"passage", Integer}, {"until", Integer}},
			Run: func(c *Call) error { return t.Override(c.In[0].Int(), c.In[1].Ticks()) },
		}, {
			Name: "flavorAt", In: []Field{{"target", Integer}}, Out: []Field{{"flavor", Flavor}},
			Run: func(c *Call) error {
				flavor, err := t.FlavorAt(c.In[0].Ticks())
				c.Out[0] = FlavorOf(flavor)
				return err
			},
		}},
	}
}

// DirectorConcept is pd::Director.
func DirectorConcept(d *player.Director) Concept {
	return Concept{
		Module: "pd", Name: "Director",
		Actions: []Action{{
			Name: "find", In: []Field{{"passage", Integer}}, Out: []Field{{"length", Integer}},
			Run: func(c *Call) error {
				found, err := d.Find(c.In[0].Int())
				c.Out[0] = Int(found.Length())
				return err
			},
		}, {
			Name: "select",
			In:   []Field{{"target", Integer}, {"flavor", Flavor}, {"seed", Natural}},
			Out:  []Field{{"passage", Integer}, {"length", Integer}},
			Run: func(c *Call) error {
				passage, err := d.Select(c.In[0].Ticks(), c.In[1].Flavor(), c.In[2].Nat())
				c.Out[0], c.Out[1] = Int(passage.ID), Int(passage.Length())
				return err
			},
		}},
	}
}

// CooldownsConcept is pd::Cooldowns.
func CooldownsConcept(k *player.Cooldowns) Concept {
	return Concept{
		Module: "pd", Name: "Cooldowns",
		Actions: []Action{{
			Name: "record", In: []Field{{"passage", Integer}, {"target", Integer}},
			Run: func(c *Call) error { return k.Record(c.In[0].Int(), c.In[1].Ticks()) },
		}},
	}
}
