package machine

import (
	"strings"
	"testing"
)

const (
	imageID  = "0c2f1f4e-7d0e-4a53-9d16-7a3d9f5c0b11"
	serverID = "5b0f7e0a-24c5-4c58-9f0d-2f0ab2b8f4aa"
)

// What Packer 1.6 writes of a build that works and of one that does not.
func TestStory(t *testing.T) {
	for _, c := range []struct {
		name, output                  string
		image, server, reason, report string
	}{
		{
			"good", `1764100000,,ui,say,==> openstack.vm: Launching server...
1764100001,,ui,message,    openstack.vm: Server ID: ` + serverID + `
1764100030,,ui,say,==> openstack.vm: Connected to SSH!
1764100040,,ui,message,    openstack.vm: Image: ` + imageID + `
1764100050,openstack.vm,artifact-count,1
1764100050,openstack.vm,artifact,0,builder-id,mitchellh.openstack
1764100050,openstack.vm,artifact,0,id,` + imageID + `
1764100050,openstack.vm,artifact,0,end`,
			imageID, serverID, "", "Launching server...",
		},
		{
			"failing", `1764100000,,ui,error,==> openstack.vm: Script exited with non-zero exit status: 3.%!(PACKER_COMMA) Allowed exit codes are: [0]
1764100001,,ui,error,Build 'openstack.vm' errored after 41 seconds: Script exited\nwith`,
			"", "", "Script exited with non-zero exit status: 3., Allowed exit codes are: [0]", "",
		},
		{
			"refused",
			`1764100000,,ui,error,==> openstack.vm: Error launching source server: Request forbidden: [POST http://127.0.0.1:15774/v2.1/servers]%!(PACKER_COMMA) error message: {"forbidden": {"code": 403%!(PACKER_COMMA) "message": "Quota exceeded for ram: Requested 1048576"}}`,
			"", "", "Error launching source server: Request forbidden: Quota exceeded for ram: Requested 1048576", "",
		},
		{
			"a provisioner that talks of images", `1764100000,,ui,message,    openstack.vm: Image: the one in the README
1764100000,,ui,message,    openstack.vm: Server ID: `,
			"", "", "", "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s story
			report := ""
			for line := range strings.SplitSeq(c.output, "\n") {
				m, ok := parseMessage(line)
				if !ok {
					t.Fatalf("not understood: %s", line)
				}
				s.hear(m)
				if kind, text := m.said(); kind == "say" && report == "" {
					report = text
				}
			}
			if s.image != c.image || s.server != c.server || report != c.report {
				t.Errorf("image %q, server %q, report %q", s.image, s.server, report)
			}
			if got := s.reason(); got != c.reason {
				t.Errorf("reason %q, want %q", got, c.reason)
			}
		})
	}
}

func TestOtherLines(t *testing.T) {
	for _, line := range []string{"", "a,b", "panic: runtime error, index, out of range", ",,ui,say,x", "1764100000,x,", "-1,,ui"} {
		if m, ok := parseMessage(line); ok {
			t.Errorf("%q was taken for a message: %+v", line, m)
		}
	}
}

func FuzzMessage(f *testing.F) {
	f.Add("1764100001,,ui,message,    openstack.vm: Server ID: " + serverID)
	f.Add("1764100050,openstack.vm,artifact,0,id," + imageID)
	f.Add(`1,,ui,error,a\nb%!(PACKER_COMMA)c`)
	f.Fuzz(func(t *testing.T, line string) {
		m, ok := parseMessage(line)
		if !ok {
			return
		}
		var s story
		s.hear(m)
		if strings.Contains(s.reason(), "\n") {
			t.Errorf("a reason of several lines: %q", s.reason())
		}
		if s.server != "" && len(s.server) != 36 {
			t.Errorf("%q is no id", s.server)
		}
	})
}
