"""The shapes of compose files and Kubernetes manifests, as far as docker/ makes use of them.

What is not named here is refused, so that a misspelt key is noticed. Sources: the Compose
Specification, and the API reference of Kubernetes 1.31.
"""

from typing import Any

STRING = {"type": "string", "minLength": 1}
STRINGS = {"type": "array", "items": STRING, "minItems": 1}
COUNT = {"type": "integer", "minimum": 0}
SPAN = {"type": "string", "pattern": r"^\d+(ms|s|m|h)$"}
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}


def closed(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """Return the schema of a mapping with these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def listed(item: Any) -> dict[str, Any]:
    """Return the schema of a list that is not empty."""
    return {"type": "array", "items": item, "minItems": 1}


# Compose ------------------------------------------------------------------------------------------
BUILD = closed(context=STRING, dockerfile=STRING, target={"enum": ["production", "development"]})
PROBE = closed(
    test={"type": "array", "prefixItems": [{"enum": ["CMD", "CMD-SHELL"]}], "items": STRING, "minItems": 2},
    interval=SPAN,
    timeout=SPAN,
    start_period=SPAN,
    retries=COUNT,
    disable={"const": True},
)
WATCH = listed(
    closed(("action", "path"), action={"enum": ["sync+restart", "rebuild"]}, path=STRING, target=STRING)
)
SERVICE = closed(
    image=STRING,
    build=BUILD,
    command=STRINGS,
    environment=TEXTS,
    env_file=STRINGS,
    ports=STRINGS,
    volumes=STRINGS,
    networks=STRINGS,
    healthcheck=PROBE,
    depends_on={
        "type": "object",
        "additionalProperties": closed(
            ("condition",),
            condition={"enum": ["service_started", "service_healthy", "service_completed_successfully"]},
        ),
    },
    deploy=closed(replicas=COUNT),
    develop=closed(("watch",), watch=WATCH),
    restart={"enum": ["no", "always", "on-failure", "unless-stopped"]},
    stop_grace_period=SPAN,
    read_only={"type": "boolean"},
    tmpfs=STRINGS,
    cap_drop=STRINGS,
    security_opt=STRINGS,
    shm_size=STRING,
    user=STRING,
)
COMPOSE = closed(
    ("services",),
    name={"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$"},
    services={"type": "object", "additionalProperties": SERVICE, "minProperties": 1},
    volumes={"type": "object", "additionalProperties": {"type": "null"}},
    networks={
        "type": "object",
        "additionalProperties": {"anyOf": [{"type": "null"}, closed(internal={"type": "boolean"})]},
    },
)

# Kubernetes ---------------------------------------------------------------------------------------
NAME = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63}
META = closed(("name",), name=NAME, namespace={"const": "cpds"}, labels=TEXTS)
SELECTOR = closed(("matchLabels",), matchLabels=TEXTS)
QUANTITIES = closed(cpu={"pattern": r"^\d+m?$"}, memory={"pattern": r"^\d+(Mi|Gi)$"})
HTTP_OR_COMMAND = closed(
    exec=closed(("command",), command=STRINGS),
    httpGet=closed(("path", "port"), path={"pattern": "^/"}, port={"type": ["string", "integer"]}),
    initialDelaySeconds=COUNT,
    periodSeconds=COUNT,
    timeoutSeconds=COUNT,
    failureThreshold=COUNT,
)
CONTAINER = closed(
    ("name", "image", "args", "envFrom", "securityContext", "resources"),
    name=NAME,
    image={"const": "cpds"},
    args=STRINGS,
    ports=listed(closed(("containerPort",), name=NAME, containerPort=COUNT)),
    envFrom=listed(
        {
            "oneOf": [
                closed(("configMapRef",), configMapRef=closed(("name",), name=NAME)),
                closed(("secretRef",), secretRef=closed(("name",), name=NAME)),
            ]
        }
    ),
    startupProbe=HTTP_OR_COMMAND,
    livenessProbe=HTTP_OR_COMMAND,
    readinessProbe=HTTP_OR_COMMAND,
    lifecycle=closed(preStop=closed(exec=closed(("command",), command=STRINGS))),
    resources=closed(("requests", "limits"), requests=QUANTITIES, limits=QUANTITIES),
    # What the namespace's pod security standard (restricted) insists on.
    securityContext=closed(
        ("allowPrivilegeEscalation", "capabilities"),
        allowPrivilegeEscalation={"const": False},
        readOnlyRootFilesystem={"const": True},
        capabilities=closed(("drop",), drop={"const": ["ALL"]}),
    ),
    volumeMounts=listed(closed(("name", "mountPath"), name=NAME, mountPath={"pattern": "^/"})),
)
POD = closed(
    ("containers", "securityContext", "automountServiceAccountToken"),
    restartPolicy={"enum": ["OnFailure", "Never"]},
    terminationGracePeriodSeconds=COUNT,
    automountServiceAccountToken={"const": False},
    enableServiceLinks={"const": False},
    securityContext=closed(
        ("runAsNonRoot", "seccompProfile"),
        runAsNonRoot={"const": True},
        runAsUser={"type": "integer", "minimum": 1},
        runAsGroup={"type": "integer", "minimum": 1},
        fsGroup={"type": "integer", "minimum": 1},
        seccompProfile=closed(("type",), type={"const": "RuntimeDefault"}),
    ),
    topologySpreadConstraints=listed(
        closed(
            ("maxSkew", "topologyKey", "whenUnsatisfiable", "labelSelector"),
            maxSkew=COUNT,
            topologyKey=STRING,
            whenUnsatisfiable={"enum": ["ScheduleAnyway", "DoNotSchedule"]},
            labelSelector=SELECTOR,
        )
    ),
    initContainers=listed(CONTAINER),
    containers=listed(CONTAINER),
    volumes=listed(closed(("name",), name=NAME, emptyDir=closed(sizeLimit={"pattern": r"^\d+(Mi|Gi)$"}))),
)
TEMPLATE = closed(("metadata", "spec"), metadata=closed(("labels",), labels=TEXTS), spec=POD)
POLICY_PORTS = listed(closed(("protocol", "port"), protocol={"enum": ["TCP", "UDP"]}, port=COUNT))
PEERS = listed(
    closed(
        ipBlock=closed(("cidr",), cidr=STRING, **{"except": STRINGS}),
        namespaceSelector=closed(
            matchExpressions=listed(
                closed(("key", "operator"), key=STRING, operator={"enum": ["In", "NotIn"]}, values=STRINGS)
            )
        ),
    )
)

SCALING = closed(
    stabilizationWindowSeconds=COUNT,
    policies=listed(
        closed(
            ("type", "value", "periodSeconds"),
            type={"enum": ["Pods", "Percent"]},
            value=COUNT,
            periodSeconds=COUNT,
        )
    ),
)
BEHAVIOR = closed(scaleUp=SCALING, scaleDown=SCALING)


def kind(api_version: str, **properties: Any) -> dict[str, Any]:
    """Return the schema of a manifest: its version, its metadata, and these keys, all required."""
    return closed(
        ("apiVersion", "kind", "metadata", *properties),
        apiVersion={"const": api_version},
        kind=STRING,
        metadata=META,
        **properties,
    )


MANIFESTS = {
    "Namespace": kind("v1"),
    "ConfigMap": kind("v1", data=TEXTS),
    "Secret": kind("v1", type={"const": "Opaque"}, stringData=TEXTS),
    "Job": kind(
        "batch/v1",
        spec=closed(("template",), backoffLimit=COUNT, activeDeadlineSeconds=COUNT, template=TEMPLATE),
    ),
    "Deployment": kind(
        "apps/v1",
        spec=closed(("selector", "template"), replicas=COUNT, selector=SELECTOR, template=TEMPLATE),
    ),
    "Service": kind(
        "v1",
        spec=closed(
            ("selector", "ports"),
            selector=TEXTS,
            ports=listed(
                closed(("port",), name=NAME, port=COUNT, targetPort={"type": ["string", "integer"]})
            ),
        ),
    ),
    "PodDisruptionBudget": kind(
        "policy/v1", spec=closed(("selector",), minAvailable=COUNT, maxUnavailable=COUNT, selector=SELECTOR)
    ),
    "NetworkPolicy": kind(
        "networking.k8s.io/v1",
        spec=closed(
            ("podSelector", "policyTypes"),
            podSelector=SELECTOR,
            policyTypes={"type": "array", "items": {"enum": ["Ingress", "Egress"]}, "minItems": 1},
            ingress=listed({"type": "object", "properties": {"from": PEERS, "ports": POLICY_PORTS}}),
            egress=listed(closed(to=PEERS, ports=POLICY_PORTS)),
        ),
    ),
    # KEDA 2.10 and newer: keda.sh, "ScaledObject specification", "Metrics API".
    "TriggerAuthentication": kind(
        "keda.sh/v1alpha1",
        spec=closed(
            ("secretTargetRef",),
            secretTargetRef=listed(
                closed(("parameter", "name", "key"), parameter=STRING, name=NAME, key=STRING)
            ),
        ),
    ),
    "ScaledObject": kind(
        "keda.sh/v1alpha1",
        spec=closed(
            ("scaleTargetRef", "triggers"),
            scaleTargetRef=closed(("name",), apiVersion=STRING, kind=STRING, name=NAME),
            minReplicaCount=COUNT,
            maxReplicaCount=COUNT,
            pollingInterval=COUNT,
            cooldownPeriod=COUNT,
            fallback=closed(("failureThreshold", "replicas"), failureThreshold=COUNT, replicas=COUNT),
            advanced=closed(horizontalPodAutoscalerConfig=closed(behavior=BEHAVIOR)),
            triggers=listed(
                closed(
                    ("type", "metadata"),
                    type={"const": "metrics-api"},
                    metricType={"enum": ["AverageValue", "Value"]},
                    metadata=closed(
                        ("url", "valueLocation", "targetValue"),
                        url={"type": "string", "pattern": "^https?://"},
                        format={"enum": ["json", "yaml", "xml", "prometheus"]},
                        valueLocation=STRING,
                        # KEDA reads every value as text.
                        targetValue={"type": "string", "pattern": r"^\d+(\.\d+)?$"},
                        activationTargetValue={"type": "string", "pattern": r"^\d+(\.\d+)?$"},
                        authMode={"enum": ["bearer", "basic", "apiKey", "tls"]},
                    ),
                    authenticationRef=closed(("name",), name=NAME),
                )
            ),
        ),
    ),
}
KUSTOMIZATION = closed(
    ("apiVersion", "kind", "resources"),
    apiVersion={"const": "kustomize.config.k8s.io/v1beta1"},
    kind={"const": "Kustomization"},
    resources=STRINGS,
    images=listed(closed(("name",), name=STRING, newName=STRING, newTag=STRING)),
)
