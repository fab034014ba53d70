package login

import (
	"strings"
	"testing"

	"github.com/ystackdev/ystack/pkg/keystone"
)

func project(id, name, domainID, domain string) keystone.Project {
	return keystone.Project{ID: id, Name: name, Domain: keystone.Domain{ID: domainID, Name: domain}, Enabled: true}
}

func TestProjectName(t *testing.T) {
	seen := map[string]string{}
	for _, tc := range []struct {
		p    keystone.Project
		want string
	}{
		{project("1", "web", "default", "Default"), "web"},
		{project("2", "web", "c1", "corp"), "web@corp"},
		{project("3", "web@corp", "default", "Default"), "web@corp@Default"},
		{project("4", "web", "c2", "corp@x"), "web@corp%40x"},
		{project("5", "web", "c3", "corp%40x"), "web@corp%2540x"},
		{project("6", "web", "c4", ""), "web@c4"},
		{project("7", "開発", "default", ""), "開発"},
	} {
		got := projectName(tc.p)
		if got != tc.want {
			t.Errorf("%+v is %s, want %s", tc.p, got, tc.want)
		}
		if seen[got] != "" {
			t.Errorf("%s and %s are both %s", seen[got], tc.p.ID, got)
		}
		seen[got] = tc.p.ID
	}
}

func TestFindProject(t *testing.T) {
	known := []keystone.Project{
		project("1", "web", "default", "Default"), project("2", "web", "c", "corp"), project("3", "shop", "c", "corp"),
		project("4", "1", "default", "Default"), project("5", "two", "c", "corp"), project("6", "two", "d", "dev"),
	}
	l := &session{pin: Pin{"username": "u"}}
	for name, want := range map[string]string{
		"1": "1", "web": "1", "web@corp": "2", "shop": "3", "shop@corp": "3", "4": "4", "two@dev": "6",
		"two": "! 2 projects are called two; say which: two@corp, two@dev", "nosuch": "! has no role in a project nosuch; there are: web, web@corp",
	} {
		p, err := l.find(known, name)
		if message, fails := strings.CutPrefix(want, "! "); fails {
			if err == nil || !strings.Contains(err.Error(), message) {
				t.Errorf("%s: got %v, %v", name, p.ID, err)
			}
		} else if err != nil || p.ID != want {
			t.Errorf("%s: got %s, %v", name, p.ID, err)
		}
	}
	for name, tc := range map[string]struct {
		scope keystone.Scope
		known []keystone.Project
		want  string
	}{
		"id":                {keystone.Scope{ProjectID: "3"}, known, "3"},
		"name":              {keystone.Scope{ProjectName: "web", ProjectDomainName: "Corp"}, known, "2"},
		"name, domain id":   {keystone.Scope{ProjectName: "web", ProjectDomainID: "default"}, known, "1"},
		"the only one":      {keystone.Scope{}, known[2:3], "3"},
		"several":           {keystone.Scope{}, known, "! has 6 projects; choose with --project, or take them --all-projects: web"},
		"no role in it":     {keystone.Scope{ProjectName: "x"}, known, "! the configuration names project x, in which u has no role"},
		"no role, one left": {keystone.Scope{ProjectID: "9"}, known[2:3], "! the configuration names project 9"},
	} {
		l.cfg = &keystone.Config{Scope: tc.scope}
		got, err := l.usual(tc.known)
		if message, fails := strings.CutPrefix(tc.want, "! "); fails {
			if err == nil || !strings.Contains(err.Error(), message) {
				t.Errorf("%s: got %v, %v", name, got, err)
			}
		} else if err != nil || len(got) != 1 || got[0].ID != tc.want {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

func TestNamesStayShort(t *testing.T) {
	var many []keystone.Project
	for range 1000 {
		many = append(many, project("1", "web", "default", ""))
	}
	if got := names(many); !strings.HasSuffix(got, "web, and 990 more") {
		t.Error(got)
	}
}
