package baremetal

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ystackdev/ystack/pkg/app"
)

func TestRefusal(t *testing.T) {
	for name, c := range map[string]struct {
		status     int
		body, want string
		temporary  bool
	}{
		"a string of JSON": {400, `{"error_message": "{\"faultcode\": \"Client\", \"faultstring\": \"Node is\\nnot there.\", \"debuginfo\": null}"}`, "answers 400, Node is not there", false},
		"an object":        {400, `{"error_message": {"faultcode": "Client", "faultstring": "Bad."}}`, "answers 400, Bad", false},
		"plain text":       {502, `{"error_message": "gateway"}`, "answers 502, gateway", true},
		"a page":           {503, `<html>`, "answers 503, Service Unavailable", true},
		"locked":           {409, `{"error_message": {"faultstring": "Node x is locked by host y, please retry after the current operation is completed."}}`, "is locked by host y", true},
		"moving":           {409, `{"error_message": {"faultstring": "Node x can not be updated while a state transition is in progress."}}`, "state transition", true},
		"a conflict":       {409, `{"error_message": {"faultstring": "A node with name x already exists."}}`, "already exists", false},
		"its database":     {500, `{"error_message": {"faultstring": "(sqlite3.OperationalError) database is locked"}}`, "database is locked", true},
		"its own mistake":  {500, `{"error_message": {"faultstring": "Failed to validate deploy or power info"}}`, "Failed to validate", false},
		"not allowed":      {403, `{"error_message": {"faultstring": "Access was denied"}}`, "Access was denied; the user needs a role", false},
		"too old":          {406, `{"error_message": {"faultstring": "Version 1.61 was requested but the minor version is not supported"}}`, "does not speak version 1.61", false},
	} {
		t.Run(name, func(t *testing.T) {
			answer := &http.Response{StatusCode: c.status, Request: &http.Request{Method: "GET", URL: &url.URL{Path: "/v1/nodes/x"}}}
			err := refusal(answer, []byte(c.body))
			if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "GET /v1/nodes/x: Ironic answers ") {
				t.Errorf("%v; want %q", err, c.want)
			}
			if got := temporary(fmt.Errorf("wrapped: %w", err)); got != c.temporary {
				t.Errorf("temporary: %t", got)
			}
		})
	}
	if temporary(errors.New("something else")) || Gone(errors.New("404")) {
		t.Error("takes errors that are none of Ironic's for some")
	}
}

func TestBusy(t *testing.T) {
	for want, n := range map[string]Node{
		"":                             {State: Available, Power: "power off"},
		"is in maintenance: disk":      {State: Available, Maintenance: true, Reason: "disk", Instance: "i"},
		"is in maintenance":            {State: Available, Maintenance: true},
		"is managed by Nova (server i": {State: Active, Instance: "i"},
		"is allocated (i)":             {State: Active, Instance: "i", Allocation: "i"},
		"is retired":                   {State: Active, Retired: true},
		"is clean failed":              {State: CleanFailed},
		"has no known power state":     {State: Available},
	} {
		if got := n.Busy(); got != want && !strings.HasPrefix(got, want+" ") && got != want+")" {
			t.Errorf("%q; want %q", got, want)
		}
	}
}

// TestChanges: what Ironic tells of a node is compared with what the file says, whatever
// kinds of values either has.
func TestChanges(t *testing.T) {
	w := Wanted{BaremetalNode: app.BaremetalNode{
		Name: "a", Driver: "redfish", ResourceClass: "small", DriverInfo: map[string]string{"redfish_address": "x", "redfish_verify_ca": "false"},
		Properties: map[string]string{"memory_mb": "1000000", "cpu_arch": "x86_64"}, Extra: map[string]string{"rack": "7"}, Interfaces: map[string]string{"deploy": "direct"},
	}, Password: "hunter2"}
	var n Node
	const same = `{"name": "a", "driver": "redfish", "resource_class": "small", "driver_info": {"redfish_address": "x", "redfish_verify_ca": false, "redfish_password": "******"},
		"properties": {"memory_mb": 1000000, "cpu_arch": "x86_64", "cpus": 4}, "extra": {"rack": "7", "note": null}, "deploy_interface": "direct", "boot_interface": "fake"}`
	if err := json.Unmarshal([]byte(same), &n); err != nil {
		t.Fatal(err)
	}
	if got := w.changes(&n); len(got) != 0 {
		t.Errorf("the same: %v", got)
	}
	n = Node{Driver: "ipmi", ResourceClass: "small", Properties: map[string]any{"memory_mb": json.Number("5")}}
	want := []Change{
		{"add", "/deploy_interface", "direct"},
		{"add", "/driver", "redfish"},
		{"add", "/driver_info/redfish_address", "x"},
		{"add", "/driver_info/redfish_verify_ca", "false"},
		{"add", "/extra/rack", "7"},
		{"add", "/properties/cpu_arch", "x86_64"},
		{"add", "/properties/memory_mb", 1000000},
	}
	if diff := cmp.Diff(want, w.changes(&n)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPasswordKey(t *testing.T) {
	for driver, want := range map[string]string{"redfish": "redfish_password", "idrac": "redfish_password", "ipmi": "ipmi_password", "fake-hardware": "fake_hardware_password", "ilo5": "ilo_password"} {
		w := Wanted{BaremetalNode: app.BaremetalNode{Driver: driver}, Password: "hunter2"}
		if got := w.driverInfo()[want]; got != "hunter2" {
			t.Errorf("%s: %v", driver, w.driverInfo())
		}
		if text := fmt.Sprintf("%v %+v %#v", w, w, w); strings.Contains(text, "hunter2") {
			t.Errorf("%s shows the password: %s", driver, text)
		}
	}
}
