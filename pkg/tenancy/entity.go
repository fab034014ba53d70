package tenancy

import (
	"encoding/json"
	"net/url"
)

// entity is what Keystone sends of a domain, project, user, group or role. Its names
// are matched exactly: whoever may edit one can add attributes of his own beside them,
// "ID" or "Enabled" too.
type entity struct {
	id, name, domain, parent string
	enabled                  *bool
	tags                     []string
}

func decodeEntity(d *json.Decoder) (entity, error) {
	var e entity
	err := object(d, func(name string) error {
		switch name {
		case "id":
			return d.Decode(&e.id)
		case "name":
			return d.Decode(&e.name)
		case "domain_id":
			return d.Decode(&e.domain)
		case "parent_id":
			return d.Decode(&e.parent)
		case "enabled":
			return d.Decode(&e.enabled)
		case "tags":
			return d.Decode(&e.tags)
		}
		return skip(d)
	})
	if err == nil && (e.id == "" || e.name == "") {
		err = errIncomplete
	}
	return e, err
}

// kind is a kind of entities.
type kind[T any] struct {
	one, many string // as in the API: project, projects
	make      func(entity) (T, bool)
	id        func(T) string
	// everyone tells whether the list of all must have it; nil if nobody can tell.
	everyone func(T) bool
}

func (k kind[T]) decode(d *json.Decoder) (T, error) {
	e, err := decodeEntity(d)
	if err != nil {
		var none T
		return none, err
	}
	made, good := k.make(e)
	if !good {
		return made, errIncomplete
	}
	return made, nil
}

func (k kind[T]) list() question {
	return question{path: "/v3/" + k.many, what: "list " + k.many, right: "list_" + k.many}
}

func (k kind[T]) get(id string) question {
	return question{path: "/v3/" + k.many + "/" + url.PathEscape(id), what: "get " + k.one + " " + id, right: "get_" + k.one}
}

var domains = kind[Domain]{
	one: "domain", many: "domains",
	make: func(e entity) (Domain, bool) {
		return Domain{e.id, e.name, e.enabled != nil && *e.enabled}, e.enabled != nil
	},
	id:       func(x Domain) string { return x.ID },
	everyone: func(Domain) bool { return true },
}

var projects = kind[Project]{
	one: "project", many: "projects",
	make: func(e entity) (Project, bool) {
		return Project{e.id, e.name, e.domain, e.parent, e.enabled != nil && *e.enabled, e.tags}, e.enabled != nil && e.domain != ""
	},
	id:       func(x Project) string { return x.ID },
	everyone: func(Project) bool { return true },
}

// users: where each domain has a directory of its own, the list of all is that of one
// domain, and not every directory lists at all.
var users = kind[User]{
	one: "user", many: "users",
	make: func(e entity) (User, bool) {
		return User{e.id, e.name, e.domain, e.enabled != nil && *e.enabled}, e.enabled != nil && e.domain != ""
	},
	id: func(x User) string { return x.ID },
}

var groups = kind[Group]{
	one: "group", many: "groups",
	make: func(e entity) (Group, bool) { return Group{ID: e.id, Name: e.name, DomainID: e.domain}, e.domain != "" },
	id:   func(x Group) string { return x.ID },
}

// roles: a domain's own are listed by it alone.
var roles = kind[Role]{
	one: "role", many: "roles",
	make:     func(e entity) (Role, bool) { return Role{e.id, e.name, e.domain}, true },
	id:       func(x Role) string { return x.ID },
	everyone: func(r Role) bool { return r.DomainID == "" },
}
