// Package login makes a Keystone user's login serve kubectl: it writes contexts that
// fetch tokens, hands out the tokens, tells who one is, and ends it all again.
//
// Each use case is a method of [Service]. Nothing here knows of flags or terminals; who
// can be asked for a password is a [Prompter].
package login
