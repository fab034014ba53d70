package openstack

const multifactor = "v3multifactor"

// cloud is one entry of clouds.yaml: a way to log in.
type cloud struct {
	name string
	kind string // auth_type; empty: password
	auth map[string]string
}

// clouds are the ways into the lab that people and tests use.
func clouds() []cloud {
	list := []cloud{
		inProject("lab", def("admin"), AdminPassword, def("admin")),
		{name: "lab-system", auth: map[string]string{"username": "admin", "password": AdminPassword, "user_domain_name": "Default", "system_scope": "all"}},
		inProject("lab-alice", def("alice"), alicePassword, def("team-a")),
		inProject("lab-alice-corp", corp("alice"), corpAlicePassword, corp("web")),
		inProject("lab-alice-at-corp", def("alice@corp"), aliceAtCorpPassword, def("team-a")),
		inProject("lab-bob", def("bob"), bobPassword, def("team-b")),
		inProject("lab-carol", corp("carol"), carolPassword, corp("shop-test")),
		{name: "lab-chief", auth: map[string]string{"username": "chief", "password": chiefPassword, "user_domain_name": "corp", "domain_name": "corp"}},
		{name: "lab-auditor", auth: map[string]string{"username": "auditor", "password": auditorPassword, "user_domain_name": "Default", "system_scope": "all"}},
		inProject("lab-hanako", def("花子"), hanakoPassword, def("開発チーム")),
		{name: "lab-nobody", auth: map[string]string{"username": "nobody", "password": nobodyPassword, "user_domain_name": "Default"}},
		inProject("lab-system-admin", def("system:admin"), systemAdminPassword, def("team-b")),
		inProject("lab-kubernetes-admin", def("kubernetes-admin"), kubernetesAdminPassword, def("team-b")),
		inProject("lab-keystone-x", def("keystone:x"), keystoneXPassword, def("team-b")),
		inProject("lab-disabled", def("disabled"), disabledPassword, def("team-b")),
		inProject("lab-locked", def("locked"), lockedPassword, def("team-b")),
		inProject("lab-lockable", def("lockable"), lockablePassword, def("team-b")),
		inProject("lab-expired", def("expired"), expiredPassword, def("team-b")),
		inProject("lab-totp", def("totp"), "", def("team-b")).by("v3totp"),
		inProject("lab-mfa", def("mfa"), mfaPassword, def("team-b")).by(multifactor),
	}
	return append(list, appCredClouds()...)
}

func inProject(name string, user Ref, password string, project Ref) cloud {
	auth := map[string]string{
		"username": user.Name, "user_domain_name": user.Domain,
		"project_name": project.Name, "project_domain_name": project.Domain,
	}
	if password != "" {
		auth["password"] = password
	}
	return cloud{name: name, auth: auth}
}

// by is the same with another auth_type.
func (c cloud) by(kind string) cloud {
	c.kind = kind
	return c
}

func appCredClouds() []cloud {
	var list []cloud
	for _, a := range appCreds() {
		list = append(list, cloud{name: "lab-" + a.Name, kind: "v3applicationcredential", auth: map[string]string{
			"username": a.User.Name, "user_domain_name": a.User.Domain,
			"application_credential_name": a.Name, "application_credential_secret": a.Secret,
		}})
	}
	return list
}
