package keystone

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// receipt is Keystone's word that some methods were right, but not enough.
type receipt struct {
	id       Secret
	done     []string
	required [][]string // any one of these sets is enough
}

// parseReceipt is the receipt in a refusal, nil if there is none.
func parseReceipt(a *answer) *receipt {
	var body struct {
		Receipt struct {
			Methods []string `json:"methods"`
		} `json:"receipt"`
		Required [][]string `json:"required_auth_methods"`
	}
	id := a.header.Get("Openstack-Auth-Receipt")
	if id == "" || json.Unmarshal(a.body, &body) != nil || len(body.Required) == 0 {
		return nil
	}
	return &receipt{Secret(id), body.Receipt.Methods, body.Required}
}

// missing is what each of the sets still lacks, the shortest first.
func (r *receipt) missing() [][]string {
	var all [][]string
	for _, set := range r.required {
		var lacks []string
		for _, method := range set {
			if !slices.Contains(r.done, method) && !slices.Contains(lacks, method) {
				lacks = append(lacks, method)
			}
		}
		all = append(all, lacks)
	}
	slices.SortStableFunc(all, func(a, b []string) int { return len(a) - len(b) })
	return all
}

// next is the first set of missing methods for which the configuration has all.
func (r *receipt) next(cfg *Config) []string {
	has := map[string]bool{"password": cfg.Password != "", "totp": cfg.Passcode != "", "token": cfg.Token != ""}
	for _, set := range r.missing() {
		if len(set) > 0 && !slices.ContainsFunc(set, func(method string) bool { return !has[method] }) {
			return set
		}
	}
	return nil
}

// needMore is the error for a user who must give more.
func (c *Client) needMore(a *answer, k call, r *receipt) error {
	missing := r.missing()
	ways := make([]string, len(missing))
	for i, set := range missing {
		names := make([]string, len(set))
		for j, method := range set {
			names[j] = clip(plain(method))
		}
		ways[i] = strings.Join(names, " and ")
	}
	remedy := "use auth_type v3multifactor"
	if slices.ContainsFunc(missing, func(set []string) bool { return slices.Equal(set, []string{"totp"}) }) {
		remedy = "give the current code as passcode (OS_PASSCODE)"
	}
	message := fmt.Sprintf("cannot %s at Keystone %s: %s was right, but this user must also prove %s; %s%s",
		k.doing, c.where(), plain(strings.Join(r.done, " and ")), strings.Join(ways, ", or "), remedy, requestID(a))
	return &MFAError{Missing: missing, Done: r.done, message: message}
}
