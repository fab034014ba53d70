package source

import (
	"net/url"
	"strings"
)

// cleanRemote removes what may be secret from the URL of a remote. A URL that cannot be
// read is dropped: there is no telling what is in it.
func cleanRemote(remote string) string {
	switch {
	case strings.Contains(remote, "://"):
		return cleanURL(remote)
	case strings.Contains(remote, "::"): // a remote helper with its own syntax
		return ""
	}
	before, rest, found := strings.Cut(remote, ":")
	if !found || strings.Contains(before, "/") {
		return remote // a local path
	}
	if at := strings.LastIndex(rest, "@"); at >= 0 { // user:password@host:path
		return cleanRemote(rest[at+1:])
	}
	path, _, _ := strings.Cut(rest, "?")
	return before + ":" + path
}

// cleanURL keeps the user name only where it is part of the address (git@ of SSH).
func cleanURL(remote string) string {
	u, err := url.Parse(remote)
	if err != nil || u.Host == "" && u.Scheme != "file" {
		return ""
	}
	name := u.User.Username()
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	if name != "" && (u.Scheme == "ssh" || u.Scheme == "git+ssh") {
		u.User = url.User(name)
	}
	return u.String()
}
