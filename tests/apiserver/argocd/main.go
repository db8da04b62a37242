// Looks at an application as Argo CD does: which live objects are its own, whether they are in sync, and their health.
//
// Reads {kubeconfig, namespace, manager, customizations, targets} on standard input; prints {key: {live, prune, ...}}.
// Cache, comparison and health are those of gitops-engine, the library that Argo CD is made of.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/argoproj/gitops-engine/pkg/cache"
	"github.com/argoproj/gitops-engine/pkg/diff"
	"github.com/argoproj/gitops-engine/pkg/health"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const tracking = "argocd.argoproj.io/tracking-id"

type application struct {
	Kubeconfig     string                       `json:"kubeconfig"`
	Namespace      string                       `json:"namespace"`
	Manager        string                       `json:"manager"`
	Customizations map[string]customization     `json:"customizations"`
	Targets        []*unstructured.Unstructured `json:"targets"`
}

type verdict struct {
	// Prune says that the object is the application's and in no manifest.
	Prune           bool                 `json:"prune"`
	ClientSideDiff  bool                 `json:"clientSideDiff"`
	StructuredDiff  bool                 `json:"structuredDiff"`
	ServerSideDiff  bool                 `json:"serverSideDiff"`
	Health          *health.HealthStatus `json:"health"`
	PredictedByDiff json.RawMessage      `json:"predicted,omitempty"`
}

// azureOnly keeps everything else out of the cache.
type azureOnly struct{}

func (azureOnly) IsExcludedResource(group, _, _ string) bool {
	return !strings.HasSuffix(group, ".azure.com") && group != "trueup.dev"
}

func main() {
	if err := look(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func look() error {
	app := application{}
	if err := json.NewDecoder(os.Stdin).Decode(&app); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", app.Kubeconfig)
	if err != nil {
		return err
	}
	live := cache.NewClusterCache(config,
		cache.SetNamespaces([]string{app.Namespace}),
		cache.SetSettings(cache.Settings{ResourcesFilter: azureOnly{}}),
		cache.SetLogr(logr.Discard()),
		cache.SetPopulateResourceInfoHandler(func(o *unstructured.Unstructured, _ bool) (any, bool) {
			return o.GetAnnotations()[tracking], true
		}))
	if err := live.EnsureSynced(); err != nil {
		return err
	}
	found, err := live.GetManagedLiveObjs(app.Targets, func(r *cache.Resource) bool { return r.Info != "" })
	if err != nil {
		return err
	}
	wanted := map[kube.ResourceKey]*unstructured.Unstructured{}
	for _, target := range app.Targets {
		wanted[kube.GetResourceKey(target)] = target
	}
	verdicts := map[string]verdict{}
	for key, object := range found {
		judged := verdict{Prune: wanted[key] == nil}
		if judged.Health, err = health.GetResourceHealth(object, overrides(app.Customizations)); err != nil {
			return err
		}
		if target := wanted[key]; target != nil {
			if err := compare(&judged, app, config, live, target, object); err != nil {
				return err
			}
		}
		verdicts[key.Kind+"/"+key.Name] = judged
	}
	return json.NewEncoder(os.Stdout).Encode(verdicts)
}

// compare asks each of the three comparisons that Argo CD may be set to.
func compare(judged *verdict, app application, config *rest.Config, live cache.ClusterCache, target, object *unstructured.Unstructured) error {
	common := []diff.Option{diff.WithLogr(logr.Discard()), diff.WithManager(app.Manager), diff.WithGVKParser(live.GetGVKParser())}
	server := append([]diff.Option{
		diff.WithServerSideDiff(true), diff.WithIgnoreMutationWebhook(true), diff.WithServerSideDryRunner(dryRun{config}),
	}, common...)
	for _, way := range []struct {
		modified *bool
		options  []diff.Option
	}{
		{&judged.ClientSideDiff, common},
		{&judged.StructuredDiff, append([]diff.Option{diff.WithStructuredMergeDiff(true)}, common...)},
		{&judged.ServerSideDiff, server},
	} {
		result, err := diff.Diff(target.DeepCopy(), object.DeepCopy(), way.options...)
		if err != nil {
			return err
		}
		*way.modified = result.Modified
		if result.Modified {
			judged.PredictedByDiff = result.PredictedLive
		}
	}
	return nil
}

// dryRun asks the API server what a server-side apply would make of an object.
type dryRun struct{ config *rest.Config }

func (d dryRun) Run(ctx context.Context, object *unstructured.Unstructured, manager string) (string, error) {
	client, err := dynamic.NewForConfig(d.config)
	if err != nil {
		return "", err
	}
	body, err := object.MarshalJSON()
	if err != nil {
		return "", err
	}
	kind := object.GroupVersionKind()
	plural := schema.GroupVersionResource{Group: kind.Group, Version: kind.Version, Resource: strings.ToLower(kind.Kind) + "s"}
	force := true
	options := metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: manager, Force: &force}
	predicted, err := client.Resource(plural).Namespace(object.GetNamespace()).Patch(ctx, object.GetName(), types.ApplyPatchType, body, options)
	if err != nil {
		return "", err
	}
	text, err := predicted.MarshalJSON()
	return string(text), err
}
