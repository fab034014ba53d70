package openstack

// People is what "lab up" puts into Keystone, beside what keystone-manage
// bootstrap does: domain Default with user and project admin, and the roles
// admin, member and reader. lab/README.md tells what each is for.
func People() Content {
	return Content{
		Domains: []string{"Default", "corp"},
		Projects: []Project{
			{def("service"), ""},
			{def("team-a"), ""},
			{def("team-a-dev"), "team-a"},
			{def("team-b"), ""},
			{def("開発チーム"), ""},
			{corp("web"), ""},
			{corp("shop"), ""},
			{corp("shop-test"), "shop"},
		},
		Roles:    []Ref{role("manager"), role("service"), role("deployer"), role("on-call"), corp("shop-auditor")},
		Implied:  [][2]string{{"admin", "manager"}, {"manager", "member"}, {"admin", "member"}, {"member", "reader"}, {"deployer", "reader"}},
		Users:    users(),
		Groups:   []Group{{def("developers"), []string{"alice", "bob"}}, {corp("shopkeepers"), []string{"carol"}}},
		Grants:   grants(),
		AppCreds: appCreds(),
	}
}

func def(name string) Ref  { return ref("Default", name) }
func corp(name string) Ref { return ref("corp", name) }
func role(name string) Ref { return ref("", name) }

func users() []User {
	return []User{
		{Ref: def("admin"), Password: AdminPassword},
		alice(),
		{Ref: corp("alice"), Password: corpAlicePassword},
		{Ref: def("bob"), Password: bobPassword},
		{Ref: corp("carol"), Password: carolPassword},
		{Ref: corp("chief"), Password: chiefPassword},
		{Ref: def("auditor"), Password: auditorPassword},
		{Ref: def("花子"), Password: hanakoPassword},
		{Ref: def("nobody"), Password: nobodyPassword},

		// Names that must not become somebody else in Kubernetes.
		{Ref: def("alice@corp"), Password: aliceAtCorpPassword},
		{Ref: def("system:admin"), Password: systemAdminPassword},
		{Ref: def("kubernetes-admin"), Password: kubernetesAdminPassword},
		{Ref: def("keystone:x"), Password: keystoneXPassword},

		// Who cannot log in, or not that easily.
		{Ref: def("disabled"), Password: disabledPassword, Disabled: true},
		{Ref: def("locked"), Password: lockedPassword, Lockable: true, Locked: true},
		{Ref: def("lockable"), Password: lockablePassword, Lockable: true},
		{Ref: def("expired"), Password: expiredPassword, Expired: true},
		{Ref: def("totp"), Password: totpPassword, Seed: totpSeed},
		{Ref: def("mfa"), Password: mfaPassword, Seed: mfaSeed, Rules: [][]string{{"password", "totp"}}},
	}
}

func alice() User { return User{Ref: def("alice"), Password: alicePassword} }

func grants() []Grant {
	member, reader := role("member"), role("reader")
	list := []Grant{
		{Role: member, User: def("alice"), Project: def("team-a")},
		{Role: role("manager"), User: def("alice"), Project: def("team-a-dev")},
		{Role: role("deployer"), User: def("alice"), Project: def("team-a-dev")},
		{Role: member, Group: def("developers"), Project: def("team-b")},
		{Role: role("on-call"), User: def("bob"), Project: def("team-b")},
		{Role: member, User: corp("alice"), Project: corp("web")},
		{Role: role("manager"), Group: corp("shopkeepers"), Project: corp("shop"), Inherited: true},
		{Role: corp("shop-auditor"), User: corp("carol"), Project: corp("shop")},
		{Role: role("admin"), User: corp("chief"), Domain: "corp"},
		{Role: reader, User: corp("chief"), Domain: "corp", Inherited: true},
		{Role: reader, User: def("auditor"), System: true},
		{Role: member, User: def("花子"), Project: def("開発チーム")},
		{Role: reader, User: def("alice@corp"), Project: def("team-a")},
	}
	for _, name := range []string{"system:admin", "kubernetes-admin", "keystone:x", "disabled", "locked", "lockable", "expired", "totp", "mfa"} {
		list = append(list, Grant{Role: member, User: def(name), Project: def("team-b")})
	}
	return list
}

func appCreds() []AppCred {
	validate := object{"service": "identity", "method": "GET", "path": "/v3/auth/tokens"}
	return []AppCred{
		{Name: "reader", Secret: readerSecret, User: alice(), Project: def("team-a"), Roles: []string{"reader"}},
		{Name: "validate", Secret: validateSecret, User: alice(), Project: def("team-a"), Roles: []string{"member"}, Rules: []object{validate}},
	}
}
