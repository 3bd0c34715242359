import { contentHash, resources } from "@plinth/kube";
import { type Child, child } from "../child.ts";
import { annotations, serverSelector } from "../labels.ts";
import { type PodInputs, type PodTemplate, podInputsHash, podTemplate } from "./pod-template.ts";

type Deployment = NonNullable<typeof resources.deployments.object>;

export interface DeploymentOptions extends PodInputs {
  existing: Deployment | undefined;
  /** The migration that the pods of the spec rely on, once it is through; undefined while it is not. */
  migrated: string | undefined;
}

/** A pod template above this is not pinned: annotations have room for 256 KiB together. */
const pinnedCharactersMax = 128 * 1024;

/** New instances that do not become ready in this time count as failed. */
const progressDeadlineSeconds = 300;

/**
 * The Deployment. It keeps the pods it has while the migration of the spec is not through, and when nothing they are made
 * from has changed. Undefined when there is nothing to apply yet.
 */
export function deployment(options: DeploymentOptions): Child<Deployment> | undefined {
  const { service, existing, migrated } = options;
  const { name } = service.metadata;
  const pods = decidePods(options);
  if (!pods) return undefined;
  const migration = migrated ?? existing?.metadata.annotations?.[annotations.migration];
  return child(resources.deployments, service, {
    metadata: {
      name,
      annotations: {
        [annotations.podRevision]: pods.revision,
        ...(pods.text.length <= pinnedCharactersMax ? { [annotations.podTemplate]: pods.text } : {}),
        ...(migration === undefined ? {} : { [annotations.migration]: migration }),
      },
    },
    spec: {
      // With an autoscaler the field is nobody's but the autoscaler's.
      ...(service.spec.autoscaling ? {} : { replicas: service.spec.replicas ?? 1 }),
      selector: { matchLabels: serverSelector(name) },
      // Old instances go only when new ones serve.
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "25%" } },
      progressDeadlineSeconds,
      revisionHistoryLimit: 3,
      template: pods.template,
    },
  });
}

interface Pods {
  template: PodTemplate;
  /** The template as text, which is what is pinned. */
  text: string;
  revision: string;
}

function decidePods(options: DeploymentOptions): Pods | undefined {
  const pinned = options.existing && pinnedPods(options.existing);
  if (options.migrated === undefined) return pinned;
  const inputs = podInputsHash(options);
  if (pinned?.revision.startsWith(`${inputs}.`)) return pinned;
  const template = podTemplate(options);
  return { template, text: JSON.stringify(template), revision: `${inputs}.${contentHash(template)}` };
}

/** What an earlier reconcile made; undefined when it was too large, or when somebody changed it. */
function pinnedPods(existing: Deployment): Pods | undefined {
  const text = existing.metadata.annotations?.[annotations.podTemplate];
  const revision = existing.metadata.annotations?.[annotations.podRevision];
  if (text === undefined || revision === undefined) return undefined;
  try {
    const template = JSON.parse(text) as PodTemplate;
    return revision.endsWith(`.${contentHash(template)}`) ? { template, text, revision } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the Deployment's pods are made from what the spec says now. */
export const runsSpec = (existing: Deployment, inputs: PodInputs): boolean =>
  existing.metadata.annotations?.[annotations.podRevision]?.startsWith(`${podInputsHash(inputs)}.`) === true;
