package pi

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"

	"rubato/command"
	"rubato/reports"
)

// estimate prints a projection of a run's times for a device of which there is a run. It asks no
// device. Without a run of one it gives no times, and says so.
func estimate(args []string, stdout, stderr io.Writer) int {
	flags := command.Flags("pi -estimate")
	asJSON := flags.Bool("json", false, "")
	rest, err := command.ParseLeading(flags, args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, help)
		return exitPass
	}
	if err == nil && (len(rest) == 0 || len(rest) > 2) {
		err = errors.New("-estimate takes a run of this machine, and one of the device if there is one, as in: rubato pi -estimate out/latest out/pi-raspberrypi.local-TIME")
	}
	var runs [2]*reports.Recorded
	for i := 0; err == nil && i < len(rest); i++ {
		var read reports.Recorded
		read, err = reports.LoadRecorded(rest[i])
		runs[i] = &read
	}
	if err != nil {
		return code(usageError{err}, stderr)
	}
	projection, err := reports.Project(*runs[0], runs[1])
	if err != nil {
		return code(usageError{err}, stderr)
	}
	if *asJSON {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		return code(e.Encode(projection), stderr)
	}
	return code(projection.Text(stdout), stderr)
}
