package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// example is a command line of ystack's in a page.
type example struct {
	line int
	text string
	// mention says that it stands in a sentence, where arguments may be left out.
	mention bool
}

var (
	programs = regexp.MustCompile(`^(kubectl|openstack)[ -]ystack( |$)`)
	span     = regexp.MustCompile("`([^`]+)`")
	fence    = regexp.MustCompile("^ *```")
	indented = regexp.MustCompile(`^( {4}|\t)`)
)

// examples finds those of a page: lines of code blocks, whether or not they begin with the
// shell's prompt, and code in sentences.
func examples(page string) []example {
	var found []example
	add := func(line int, text string, mention bool) {
		text = strings.TrimPrefix(strings.Join(strings.Fields(text), " "), "$ ")
		if programs.MatchString(text) {
			found = append(found, example{line, text, mention})
		}
	}
	fenced := false
	var sentence strings.Builder // where code in a sentence may go on on the next line
	begun := 1
	end := func() {
		for _, at := range span.FindAllStringSubmatchIndex(sentence.String(), -1) {
			before, code := sentence.String()[:at[0]], sentence.String()[at[2]:at[3]]
			add(begun+strings.Count(before, "\n"), strings.ReplaceAll(code, `\|`, "|"), true)
		}
		sentence.Reset()
	}
	lines := strings.Split(page, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		switch {
		case fence.MatchString(line):
			end()
			fenced = !fenced
		case fenced || indented.MatchString(line) && programs.MatchString(strings.TrimPrefix(strings.TrimSpace(line), "$ ")):
			end()
			number := i + 1
			for strings.HasSuffix(line, `\`) && i+1 < len(lines) {
				i++
				line = strings.TrimSuffix(line, `\`) + " " + lines[i]
			}
			add(number, line, false)
		default:
			if sentence.Len() == 0 {
				begun = i + 1
			}
			sentence.WriteString(line + "\n")
			if strings.TrimSpace(line) == "" {
				end()
			}
		}
	}
	end()
	return found
}

// parse holds an example against the commands that there are.
func (e example) parse(root *cobra.Command) error {
	cmd, rest, err := root.Find(e.arguments())
	if err != nil {
		return err
	}
	cmd.InitDefaultHelpFlag()
	if err := cmd.ParseFlags(rest); err != nil {
		if e.mention && strings.Contains(err.Error(), "flag needs an argument") {
			return nil
		}
		return fmt.Errorf("%s: %w", cmd.CommandPath(), err)
	}
	args := cmd.Flags().Args()
	if help, _ := cmd.Flags().GetBool("help"); help || e.mention && len(args) == 0 {
		return nil
	}
	return cmd.ValidateArgs(args)
}

// arguments are the words behind the program's name, up to what the shell does with the
// output. "…" and brackets are for the reader.
func (e example) arguments() []string {
	line := programs.ReplaceAllString(e.text, "")
	var words []string
	var word strings.Builder
	quote, inWord := rune(0), false
	finish := func() {
		if inWord && word.String() != "…" {
			words = append(words, word.String())
		}
		word.Reset()
		inWord = false
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case r == ' ':
			finish()
		case r == '#' && !inWord, strings.ContainsRune("|;&<>)", r):
			finish()
			return words
		case r == '[' || r == ']':
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	finish()
	return words
}
