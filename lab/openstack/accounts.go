package openstack

// The passwords of the lab. They protect nothing: everybody may know them. They
// are all different, so that a test which finds one where it should not be can
// tell whose it is.
const (
	AdminPassword   = "secret-of-admin"
	ServicePassword = "secret-of-services"

	alicePassword       = "secret-of-alice"
	corpAlicePassword   = "secret-of-corp-alice"
	aliceAtCorpPassword = "secret-of-alice-at-corp"
	bobPassword         = "secret-of-bob"
	carolPassword       = "secret-of-carol"
	chiefPassword       = "secret-of-chief"
	auditorPassword     = "secret-of-auditor"
	hanakoPassword      = "secret-of-hanako"
	nobodyPassword      = "secret-of-nobody"

	systemAdminPassword     = "secret-of-system-admin"
	kubernetesAdminPassword = "secret-of-kubernetes-admin"
	keystoneXPassword       = "secret-of-keystone-x"

	disabledPassword = "secret-of-disabled"
	lockedPassword   = "secret-of-locked"
	lockablePassword = "secret-of-lockable"
	expiredPassword  = "secret-of-expired"
	totpPassword     = "secret-of-totp"
	mfaPassword      = "secret-of-mfa"

	readerSecret   = "secret-of-application-credential-reader"
	validateSecret = "secret-of-application-credential-validate"

	// For authenticator apps, in base32.
	totpSeed = "ONSWG4TFOQWW6ZRNORXXI4BNGAYDAMBQ"
	mfaSeed  = "ONSWG4TFOQWW6ZRNNVTGCLJQGAYDAMBQ"
)
