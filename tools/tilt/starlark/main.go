// Runs a Tiltfile without Tilt: functions of its API are replaced by ones that check names and types of arguments and
// write down the call. `local` runs its command, as Tilt does.
//
//	starlark API.json Tiltfile    prints the calls as JSON: [{"function": "...", "arguments": {...}}]
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"

	starjson "go.starlark.net/lib/json"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// A parameter in the order of the signature. A type is one of str, int, bool, dict, step, link, or list[TYPE];
// alternatives are separated by "|".
type parameter struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Required bool   `json:"required"`
}

type call struct {
	Function  string                    `json:"function"`
	Arguments map[string]starlark.Value `json:"-"`
	Encoded   json.RawMessage           `json:"arguments"`
}

var calls []call

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		if failed, ok := err.(*starlark.EvalError); ok {
			fmt.Fprintln(os.Stderr, failed.Backtrace())
		} else {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
}

func run(apiFile, tiltfile string) error {
	text, err := os.ReadFile(apiFile)
	if err != nil {
		return err
	}
	var api map[string][]parameter
	if err := json.Unmarshal(text, &api); err != nil {
		return err
	}
	globals := starlark.StringDict{}
	extensions := map[string]starlark.StringDict{}
	for name, parameters := range api {
		function := starlark.NewBuiltin(name, recorder(name, parameters))
		if extension, symbol, found := strings.Cut(name, "#"); found {
			if extensions[extension] == nil {
				extensions[extension] = starlark.StringDict{}
			}
			extensions[extension][symbol] = function
		} else {
			globals[name] = function
		}
	}
	if buttons := extensions["ext://uibutton"]; buttons != nil {
		places := starlark.StringDict{"RESOURCE": starlark.String("resource"), "NAV": starlark.String("nav")}
		buttons["location"] = starlarkstruct.FromStringDict(starlarkstruct.Default, places)
	}
	globals["decode_json"] = starjson.Module.Members["decode"]
	thread := &starlark.Thread{
		Name: "Tiltfile",
		Load: func(_ *starlark.Thread, module string) (starlark.StringDict, error) {
			if found, ok := extensions[module]; ok {
				return found, nil
			}
			return nil, fmt.Errorf("there is no %s here", module)
		},
	}
	// What Tilt allows beyond the language's defaults.
	options := &syntax.FileOptions{Set: true, TopLevelControl: true, GlobalReassign: true, Recursion: true}
	if _, err := starlark.ExecFileOptions(options, thread, tiltfile, nil, globals); err != nil {
		return err
	}
	for i := range calls {
		dict := starlark.NewDict(len(calls[i].Arguments))
		for name, value := range calls[i].Arguments {
			if err := dict.SetKey(starlark.String(name), value); err != nil {
				return err
			}
		}
		encoded, err := starlark.Call(thread, starjson.Module.Members["encode"], starlark.Tuple{dict}, nil)
		if err != nil {
			return err
		}
		calls[i].Encoded = json.RawMessage(encoded.(starlark.String))
	}
	return json.NewEncoder(os.Stdout).Encode(calls)
}

type builtin = func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error)

func recorder(name string, parameters []parameter) builtin {
	return func(_ *starlark.Thread, _ *starlark.Builtin, positional starlark.Tuple, named []starlark.Tuple) (starlark.Value, error) {
		given, err := bind(name, parameters, positional, named)
		if err != nil {
			return nil, err
		}
		switch name {
		case "local":
			return execute(given)
		case "fail":
			return nil, fmt.Errorf("fail: %v", given["msg"])
		case "sync", "run", "link":
			// Parts of other calls: written down with them.
			dict := starlark.NewDict(len(given) + 1)
			_ = dict.SetKey(starlark.String("kind"), starlark.String(name))
			for key, value := range given {
				_ = dict.SetKey(starlark.String(key), value)
			}
			return dict, nil
		}
		calls = append(calls, call{Function: strings.Replace(name, "ext://uibutton#", "", 1), Arguments: given})
		return starlark.None, nil
	}
}

func bind(name string, parameters []parameter, positional starlark.Tuple, named []starlark.Tuple) (map[string]starlark.Value, error) {
	given := map[string]starlark.Value{}
	if len(positional) > len(parameters) {
		return nil, fmt.Errorf("%s takes at most %d arguments", name, len(parameters))
	}
	for i, value := range positional {
		given[parameters[i].Name] = value
	}
	for _, pair := range named {
		key := string(pair[0].(starlark.String))
		if _, twice := given[key]; twice {
			return nil, fmt.Errorf("%s has %s twice", name, key)
		}
		given[key] = pair[1]
	}
	known := map[string]string{}
	for _, p := range parameters {
		known[p.Name] = p.Type
		if _, ok := given[p.Name]; p.Required && !ok {
			return nil, fmt.Errorf("%s needs %s", name, p.Name)
		}
	}
	for key, value := range given {
		wanted, ok := known[key]
		if !ok {
			return nil, fmt.Errorf("%s has no argument %s", name, key)
		}
		if !matches(value, wanted) {
			return nil, fmt.Errorf("%s: %s is a %s, not %s", name, key, value.Type(), wanted)
		}
	}
	return given, nil
}

func matches(value starlark.Value, wanted string) bool {
	for _, one := range alternatives(wanted) {
		if inner, isList := strings.CutPrefix(one, "list["); isList {
			list, ok := value.(*starlark.List)
			if !ok {
				continue
			}
			all := true
			for i := 0; i < list.Len(); i++ {
				all = all && matches(list.Index(i), strings.TrimSuffix(inner, "]"))
			}
			if all {
				return true
			}
			continue
		}
		if value.Type() == map[string]string{"str": "string", "int": "int", "bool": "bool", "dict": "dict", "step": "dict", "link": "dict"}[one] {
			return true
		}
	}
	return false
}

// alternatives splits at "|" outside of brackets.
func alternatives(wanted string) []string {
	var parts []string
	depth, begin := 0, 0
	for i, letter := range wanted {
		switch letter {
		case '[':
			depth++
		case ']':
			depth--
		case '|':
			if depth == 0 {
				parts = append(parts, wanted[begin:i])
				begin = i + 1
			}
		}
	}
	return append(parts, wanted[begin:])
}

func execute(given map[string]starlark.Value) (starlark.Value, error) {
	var command *exec.Cmd
	switch line := given["command"].(type) {
	case starlark.String:
		command = exec.Command("sh", "-c", string(line))
	case *starlark.List:
		var arguments []string
		for i := 0; i < line.Len(); i++ {
			arguments = append(arguments, string(line.Index(i).(starlark.String)))
		}
		command = exec.Command(arguments[0], arguments[1:]...)
	}
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("local: %w", err)
	}
	return starlark.String(output), nil
}
