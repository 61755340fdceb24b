package results

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Results of schema 1 use other names for some fields and values. This file turns their
// JSON into schema 2 before it is decoded, and is the only one that knows the old names.

type object = map[string]any

// upgradeSummary turns results.json of schema 1 into schema 2.
func upgradeSummary(data []byte) ([]byte, error) {
	return upgraded(data, func(o object) {
		upgradeRun(o)
		each(o["profiles"], func(p object) { upgradeKey(p, "cell") })
	})
}

// upgradeLine turns one line of results.jsonl of schema 1 into schema 2.
func upgradeLine(data []byte) ([]byte, error) {
	return upgraded(data, func(o object) {
		of(o["run"], upgradeRun)
		of(o["block"], func(b object) {
			rename(b, "untold", "no_latency")
			if rows, counted := b["visited"]; counted {
				b["counts"] = object{"rows read": rows}
			}
			upgradeKey(b, "cell")
		})
		of(o["sample"], func(s object) { upgradeKey(s, "cell") })
		of(o["profile"], func(p object) { upgradeKey(p, "cell") })
	})
}

// upgraded decodes a value, changes it and encodes it again. Numbers keep their digits. A
// value of an unexpected type is not changed: the decoder reports it later.
func upgraded(data []byte, change func(object)) ([]byte, error) {
	var o object
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&o); err != nil {
		return nil, err
	}
	change(o)
	return json.Marshal(o)
}

func upgradeRun(run object) {
	run["schema"] = Schema
	rename(run, "proofs", "controls")
	rename(run, "ledger", "instruments")
	of(run["machine"], func(m object) { rename(m, "untold", "unavailable") })
	each(run["cells"], upgradeCell)
	each(run["controls"], func(c object) {
		rename(c, "twin", "aa")
		rename(c, "plant", "slowdown")
		rename(c, "smallest", "minimum_detectable")
		rename(c, "blind", "insensitive")
		of(c["aa"], upgradeCell)
		of(c["slowdown"], upgradeCell)
	})
	each(run["instruments"], func(i object) {
		translate(i, "instrument", map[string]string{"certificate": EquivalenceInstrument})
		upgradeKey(i, "base")
		of(i["arm"], upgradeCell)
	})
}

func upgradeCell(c object) {
	rename(c, "used", "looked")
	rename(c, "certificate", "equivalence")
	translate(c, "role", roles1)
	translate(c, "rule", map[string]string{"peeking": Sequential})
	translate(c, "verdict", map[string]string{"void": Invalid})
	of(c["equivalence"], func(e object) {
		each(e["settings"], func(s object) { translate(s, "name", map[string]string{"witnessed": "verified"}) })
	})
}

// roles1 are the roles that have another name in schema 1.
var roles1 = map[string]string{"twin": RoleAA, "plant": RoleSlowdown, "without certificate": WithoutRole(EquivalenceInstrument)}

// upgradeKey renames the role in a cell's key. No option has this name: Key escapes its @.
func upgradeKey(o object, field string) {
	key, is := o[field].(string)
	if !is {
		return
	}
	parts := strings.Split(key, "/")
	for i, part := range parts {
		for was, role := range roles1 {
			if part == roleKey+"="+escapePart(was) {
				parts[i] = roleKey + "=" + escapePart(role)
			}
		}
	}
	o[field] = strings.Join(parts, "/")
}

func of(value any, change func(object)) {
	if o, is := value.(object); is {
		change(o)
	}
}

func each(list any, change func(object)) {
	values, _ := list.([]any)
	for _, value := range values {
		of(value, change)
	}
}

func rename(o object, was, name string) {
	if value, is := o[was]; is {
		delete(o, was)
		o[name] = value
	}
}

func translate(o object, field string, names map[string]string) {
	if value, is := o[field].(string); is && names[value] != "" {
		o[field] = names[value]
	}
}
