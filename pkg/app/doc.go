// Package app reads ystack.yaml (an [Application]) and the [Site] file.
//
// Loading is strict: every problem of a file is reported at once, each as a
// [FieldError] with its place in the file. The struct tags of the types are the one
// description of the format; the loader and the JSON schema both follow them:
//
//	json     name of the field
//	check    "required" and/or the name of a format (see format.go)
//	each     format of a list's elements or of a map's values
//	keys     format of a map's keys
//	default  value of a field that is not given
//	doc      one sentence for people
//
// What concerns several fields at once is a rule (see rule.go).
package app
