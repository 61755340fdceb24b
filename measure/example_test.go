package measure_test

import (
	"fmt"
	"os"
	"strings"

	"rubato/measure"
	"rubato/runner"
)

var join = measure.Task[int, string]{
	Name:    "join",
	Answers: "What does it cost to join a hundred words with +?",
	Styles: []measure.Style[int, string]{
		{Name: "builder", Do: func(i int) string { return strings.Repeat(fmt.Sprint(i), 100) }},
		{Name: "plus", Doc: "adds a copy for each word", Do: func(i int) (s string) {
			for range 100 {
				s += fmt.Sprint(i)
			}
			return s
		}},
	},
}

// A whole program: func main() { os.Exit(measure.Main(os.Args[1:], join)) }
func ExampleMain() {
	fmt.Println(measure.Main([]string{"list", "join"}, join))
	// Output:
	// join: What does it cost to join a hundred words with +?
	//   operation: call
	//   -set caches=hot|cold (default hot): hot: each slice follows untimed operations of its own,
	//       as in a loop; cold: it follows the other arms' turns
	// 0
}

func ExampleSuite() {
	suite, err := measure.Suite(join)
	if err != nil {
		panic(err)
	}
	suite.Versions = map[string]string{"join": "1.2.3"} // to be shown in reports
	fmt.Println(runner.MainTo(suite, []string{"gate", "-h"}, new(strings.Builder), os.Stderr))
	// Output: 0
}
