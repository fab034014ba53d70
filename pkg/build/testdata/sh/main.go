// Sh is the shell of the test's base image: enough to see what a build step
// does, in one static file. Usage: sh -c "COMMAND; COMMAND…", with the commands
// echo, complain, save, mtime, sleep and exit.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	for line := range strings.SplitSeq(os.Args[len(os.Args)-1], ";") {
		if words := strings.Fields(line); len(words) > 0 {
			do(words[0], words[1:])
		}
	}
}

func do(verb string, args []string) {
	switch verb {
	case "echo":
		fmt.Println(strings.Join(args, " "))
	case "complain":
		fmt.Fprintln(os.Stderr, strings.Join(args, " "))
	case "save":
		check(os.WriteFile(args[0], []byte(strings.Join(args[1:], " ")), 0o644))
	case "mtime":
		info, err := os.Stat(args[0])
		check(err)
		fmt.Println(args[0], info.ModTime().Unix())
	case "sleep":
		seconds, err := strconv.Atoi(args[0])
		check(err)
		time.Sleep(time.Duration(seconds) * time.Second)
	case "exit":
		code, err := strconv.Atoi(args[0])
		check(err)
		os.Exit(code)
	default:
		check(fmt.Errorf("%s: command not found", verb))
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(127)
	}
}
