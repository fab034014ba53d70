//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ystackdev/ystack/lab/openstack"
)

// passcode prints what the authenticator app of a user of the lab shows now.
func passcode(args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("usage: lab passcode USER (totp or mfa)")
	}
	code, err := openstack.PasscodeOf(args[0], time.Now())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, code)
	return err
}
