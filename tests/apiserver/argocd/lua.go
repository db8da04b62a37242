package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/argoproj/gitops-engine/pkg/health"
	"github.com/gobwas/glob"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type customization struct {
	HealthLua string `json:"health.lua"`
}

// overrides finds scripts as argocd-cm names them: group/kind, or a pattern of it.
type overrides map[string]customization

func (o overrides) GetResourceHealth(object *unstructured.Unstructured) (*health.HealthStatus, error) {
	kind := object.GroupVersionKind()
	name := kind.Group + "/" + kind.Kind
	if exact, ok := o[name]; ok {
		return run(exact.HealthLua, object)
	}
	for pattern, found := range o {
		compiled, err := glob.Compile(pattern)
		if err != nil {
			return nil, err
		}
		if compiled.Match(name) {
			return run(found.HealthLua, object)
		}
	}
	return nil, nil
}

// run gives a script what Argo CD gives it: the base and table libraries, one second, and the object as obj.
func run(script string, object *unstructured.Unstructured) (*health.HealthStatus, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable} {
		state.Push(state.NewFunction(open))
		state.Push(lua.LString(name))
		state.Call(1, 0)
	}
	limited, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(limited)
	plain, err := asJSON(object)
	if err != nil {
		return nil, err
	}
	state.SetGlobal("obj", value(state, plain))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return nil, fmt.Errorf("the script returned %s, not a table", state.Get(-1).Type())
	}
	said := &health.HealthStatus{Status: health.HealthStatusCode(lua.LVAsString(table.RawGetString("status")))}
	said.Message = lua.LVAsString(table.RawGetString("message"))
	return said, nil
}

func asJSON(object *unstructured.Unstructured) (any, error) {
	text, err := object.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var plain any
	err = json.Unmarshal(text, &plain)
	return plain, err
}

func value(state *lua.LState, plain any) lua.LValue {
	switch held := plain.(type) {
	case bool:
		return lua.LBool(held)
	case float64:
		return lua.LNumber(held)
	case string:
		return lua.LString(held)
	case []any:
		table := state.NewTable()
		for _, item := range held {
			table.Append(value(state, item))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for name, item := range held {
			table.RawSetString(name, value(state, item))
		}
		return table
	}
	return lua.LNil
}
