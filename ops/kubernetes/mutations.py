"""Ways to break an overlay, each of which a check must refuse: proof that the checks find something."""

import copy

from expected import plain_name

# Kind and name of the object; path of the value, with / instead of . if a key has points, empty for the object; new value, or REMOVE; a
# part of the expected error.
REMOVE = object()
POD = "spec.template.spec"
ONE = f"{POD}.containers.0"
FIRST = "spec.rules.0"
CRON = "spec.jobTemplate.spec.template.spec"
LOCAL = [
    # Schemas: unknown fields, wrong types, wrong values, missing fields, unknown kinds.
    ("Deployment serve", "spec.replica", 3, "replica"),
    ("Deployment serve", f"{ONE}.livenessProbe.httpGet.prot", 1, "prot"),
    ("Deployment serve", f"{ONE}.ports.0.containerPort", "http", "containerPort"),
    ("Deployment serve", "spec.strategy.type", 5, "strategy.type"),
    ("Deployment serve", "spec.selector", REMOVE, "selector"),
    ("Service serve", "spec.ports.0.apProtocol", "http", "apProtocol"),
    ("StatefulSet mongodb", "spec.volumeClaimTemplates.0.spec.resource", {}, "resource"),
    ("CronJob sweep", "spec.timezone", "UTC", "timezone"),
    ("Job prepare", "spec.ttl", 1, "ttl"),
    ("NetworkPolicy all-to-dns", "spec.egress.0.port", [], "port"),
    ("PodDisruptionBudget serve", "spec.maxunavailable", 1, "maxunavailable"),
    ("HorizontalPodAutoscaler serve", "spec.maxReplica", 9, "maxReplica"),
    ("Namespace jornada", "apiVersion", "v2", "no schema"),
    ("Kafka jornada", "spec.kafka.metadata", "4.3", "metadata"),
    ("Kafka jornada", "spec.kafka.listeners.0.tls", "no", "tls"),
    ("Kafka jornada", "apiVersion", "kafka.strimzi.io/v1beta2", "no schema"),
    ("KafkaNodePool nodes", "spec.roles", ["brokers"], "roles"),
    ("KafkaTopic votes", "spec.partition", 12, "partition"),
    # Values that an API server refuses.
    ("Deployment serve", "spec.strategy.type", "Rolling", "type cannot be Rolling"),
    ("Deployment consume", "spec.strategy.rollingUpdate.maxUnavailable", 0, "neither maxSurge nor maxUnavailable"),
    ("HorizontalPodAutoscaler serve", "spec.minReplicas", 11, "minReplicas is higher"),
    ("HorizontalPodAutoscaler serve", "spec.metrics.0.resource.target.type", "Utilisation", "type cannot be Utilisation"),
    ("HorizontalPodAutoscaler serve", "spec.metrics.0.resource.target.averageUtilization", REMOVE, "no averageUtilization"),
    ("Deployment serve", f"{POD}.restartPolicy", "Never", "restartPolicy cannot be Never"),
    ("Job prepare", f"{POD}.restartPolicy", REMOVE, "restartPolicy cannot be Always"),
    ("CronJob sweep", "spec.schedule", "61 3 * * *", "schedule cannot be"),
    ("CronJob sweep", "spec.timeZone", "America/Guatemalla", "timeZone cannot be"),
    ("CronJob sweep", "spec.concurrencyPolicy", "forbid", "concurrencyPolicy cannot be"),
    ("StatefulSet watch", "spec.podManagementPolicy", "parallel", "podManagementPolicy cannot be"),
    ("StatefulSet redis", "spec.volumeClaimTemplates.0.spec.accessModes", ["RWO"], "accessModes cannot be"),
    ("StatefulSet redis", "spec.volumeClaimTemplates.0.spec.resources.requests.storage", "20GB", "storage cannot be"),
    ("Deployment serve", f"{POD}.volumes.1.emptyDir.sizeLimit", "1GB", "sizeLimit cannot be"),
    ("Deployment serve", f"{ONE}.resources.limits.memory", "lots", "memory cannot be"),
    ("Deployment serve", f"{POD}.topologySpreadConstraints.0.whenUnsatisfiable", "Sometimes", "whenUnsatisfiable cannot be"),
    ("Deployment serve", f"{ONE}.ports.0.protocol", "tcp", "protocol cannot be"),
    ("Deployment serve", f"{ONE}.ports.0.name", "a-very-long-name-of-a-port", "name cannot be"),
    ("Deployment serve", f"{ONE}.imagePullPolicy", "Allways", "imagePullPolicy cannot be"),
    ("Deployment serve", f"{ONE}.livenessProbe.failureThreshold", 0, "failureThreshold cannot be"),
    ("Deployment serve", "metadata.name", "Serve_1", "name cannot be"),
    ("PodDisruptionBudget serve", "spec.minAvailable", 1, "one of both"),
    ("KafkaNodePool nodes", "spec.storage.volumes.0.size", "10GB", "size cannot be"),
    # Policies for every workload.
    ("Deployment serve", f"{ONE}.image", "jornada:latest", "has no version"),
    ("Deployment nginx", f"{ONE}.image", "nginx", "has no version"),
    ("Job prepare", f"{POD}.containers.1.resources", REMOVE, "lacks requests"),
    ("StatefulSet redis", f"{ONE}.resources.limits", REMOVE, "a limit of memory"),
    ("Deployment consume", f"{ONE}.resources.requests.memory", "4Gi", "more memory than its limit"),
    ("StatefulSet watch", f"{ONE}.startupProbe", REMOVE, "no startupProbe"),
    ("Deployment serve", f"{ONE}.readinessProbe.grpc.port", 4051, "asks None"),
    ("Deployment serve", f"{ONE}.readinessProbe.grpc.port", 4000, "asks http as grpc"),
    ("StatefulSet redis", f"{ONE}.livenessProbe.tcpSocket.port", "web", "asks a port that the pod does not have"),
    ("Deployment serve", f"{ONE}.startupProbe.httpGet.path", "/helthz", "asks http /helthz"),
    ("Deployment serve", f"{ONE}.startupProbe.httpGet.scheme", "HTTPS", "by HTTPS, which does not answer"),
    ("Deployment nginx", f"{ONE}.readinessProbe.httpGet.path", "/readyz", "asks status /readyz"),
    ("Deployment serve", f"{ONE}.startupProbe.failureThreshold", 3, "gives it only 6 s"),
    ("Deployment serve", f"{ONE}.livenessProbe.httpGet.path", "/readyz", "asks dependencies"),
    ("Deployment serve", f"{ONE}.lifecycle", REMOVE, "ends before gateways know"),
    ("Deployment serve", f"{POD}.terminationGracePeriodSeconds", 30, "too short"),
    ("Deployment consume", f"{POD}.terminationGracePeriodSeconds", 20, "too short"),
    ("Deployment serve", f"{POD}.hostNetwork", True, "hostNetwork"),
    ("Deployment serve", f"{POD}.securityContext.runAsUser", 0, "root"),
    ("StatefulSet mongodb", f"{POD}.securityContext.runAsNonRoot", False, "root"),
    ("Deployment nginx", f"{POD}.securityContext.seccompProfile", REMOVE, "seccompProfile"),
    ("StatefulSet seaweedfs", f"{POD}.automountServiceAccountToken", REMOVE, "token"),
    ("Deployment serve", f"{POD}.enableServiceLinks", True, "enableServiceLinks"),
    ("Deployment serve", f"{POD}.volumes.1", {"name": "tmp", "hostPath": {"path": "/tmp"}}, "forbidden kind"),
    ("Deployment serve", f"{ONE}.securityContext.allowPrivilegeEscalation", True, "gain privileges"),
    ("StatefulSet redis", f"{ONE}.securityContext.readOnlyRootFilesystem", False, "write to its file system"),
    ("Deployment consume", f"{ONE}.securityContext.capabilities", {"add": ["NET_ADMIN"], "drop": ["ALL"]}, "capabilities"),
    *(("Deployment serve", f"{ONE}.securityContext.{key}", value, f"{key} in the securityContext of a container") for key, value in (
        ("runAsUser", 0), ("runAsNonRoot", False), ("seccompProfile", {"type": "Unconfined"}), ("procMount", "Unmasked"),
        ("seLinuxOptions", {"type": "spc_t"}))),
    ("Deployment serve", f"{POD}.securityContext.sysctls", [{"name": "kernel.msgmax", "value": "1"}], "sysctls in the securityContext"),
    ("Kafka jornada", "spec.kafka.template.pod", REMOVE, "kafka: may run as root"),
    ("Kafka jornada", "spec.kafka.template.kafkaContainer", REMOVE, "kafka keeps capabilities"),
    ("Kafka jornada", "spec.entityOperator.template", REMOVE, "entityOperator may gain privileges"),
    ("Kafka jornada", "spec.kafka.listeners.0.networkPolicyPeers", REMOVE, "stranger may connect to port 9092 of kafka"),
    ("Deployment nginx", f"{ONE}.ports.0.hostPort", 80, "hostPort"),
    ("StatefulSet redis", f"{ONE}.env.0", {"name": "PASSWORD", "value": "x"}, "is not in a Secret"),
    ("ConfigMap jornada-settings", "data.JORNADA_STORE", "mongodb://u:p@h/d", "may be a secret"),
    ("ConfigMap jornada-settings", "data.JORNADA_LOKI", "http://u:p@loki", "may be a secret"),
    ("Service serve", "metadata.name", "redis", "Service serve is missing"),
    ("Service serve", "metadata.namespace", "default", "not in the namespace"),
    ("ConfigMap jornada-campaigns", "data.x", "x" * 260_000, "too large"),
    ("Namespace jornada", "metadata.labels", {}, "does not enforce"),
    ("PodDisruptionBudget serve", "spec.maxUnavailable", 2, "not exactly one PodDisruptionBudget"),
    ("PodDisruptionBudget serve", "spec.unhealthyPodEvictionPolicy", REMOVE, "keeps its node from being drained"),
    ("Deployment nginx", f"{POD}.topologySpreadConstraints", REMOVE, "on one node"),
    ("Deployment serve", "spec.replicas", 3, "undo the work"),
    # References.
    ("Service serve", "spec.selector", {"app": "x"}, "selects no pod"),
    ("Service serve", "spec.ports.0.targetPort", "web", "has no port web"),
    ("Service redis", "spec.ports.0.port", 6380, "must be that of the pods"),
    ("Service serve", "spec.ports.1.appProtocol", REMOVE, "h2c"),
    ("Deployment serve", f"{POD}.topologySpreadConstraints.0.labelSelector", {"matchLabels": {"a": "b"}}, "of other pods"),
    ("Deployment serve", "spec.selector.matchLabels", {"app.kubernetes.io/name": "x"}, "does not match its own pods"),
    ("Service mongodb", "spec.clusterIP", REMOVE, "no headless Service"),
    ("PodDisruptionBudget mongodb", "spec.selector.matchLabels", {"a": "b"}, "selects no pod"),
    ("NetworkPolicy watch-to-ops", "spec.podSelector.matchLabels", {"a": "b"}, "selects no pod"),
    ("HorizontalPodAutoscaler serve", "spec.scaleTargetRef.name", "server", "no Deployment server"),
    ("HorizontalPodAutoscaler serve", "spec.scaleTargetRef.name", "consume", "two autoscalers"),
    ("Deployment serve", f"{ONE}.envFrom.0.configMapRef.name", "settings", "no ConfigMap settings"),
    ("Deployment serve", f"{ONE}.env.1.valueFrom.secretKeyRef.key", "STORE", "has no key STORE"),
    ("StatefulSet redis", f"{ONE}.env.0.valueFrom.secretKeyRef.name", "cache", "no Secret cache"),
    ("Deployment nginx", f"{POD}.volumes.0.configMap.items.0.key", "nginx.cnf", "has no key nginx.cnf"),
    ("Deployment serve", f"{ONE}.volumeMounts.0.name", "campaign", "no volume campaign"),
    ("Deployment serve", f"{POD}.serviceAccountName", "x", "no ServiceAccount x"),
    ("Deployment serve", "spec.selector.matchLabels", {"app.kubernetes.io/name": "jornada"}, "matches pods of others"),
    ("Deployment consume", f"{ONE}.image", "jornada:0.0.9", "different versions"),
    ("Deployment serve", "spec.paused", True, "paused"),
    ("CronJob sweep", "spec.suspend", True, "suspend"),
    ("Deployment serve", "metadata.labels", {}, "lacks the labels of its pods"),
    ("Job prepare", "metadata.labels", REMOVE, "lacks the labels of its pods"),
    ("StatefulSet mongodb", "metadata.labels", REMOVE, "lacks the labels of its pods"),
    ("StatefulSet mongodb", "spec.podManagementPolicy", REMOVE, "podManagementPolicy is not Parallel"),
    ("Service mongodb", "spec.publishNotReadyAddresses", REMOVE, "publishNotReadyAddresses is not True"),
    ("Service serve-each", "spec.publishNotReadyAddresses", REMOVE, "publishNotReadyAddresses is not True"),
    ("Job prepare", f"{ONE}.args", ["queue", "make"], "no command queue make"),
    ("Job prepare", f"{ONE}.args.2", "--parts", "has no --parts"),
    ("ConfigMap jornada-settings", "data.JORNADA_LISTN", "x", "is not a setting"),
    ("ConfigMap jornada-settings", "data.JORNADA_LISTEN", "0.0.0.0:4001", "is not that of JORNADA_LISTEN"),
    ("ConfigMap jornada-settings", "data.JORNADA_GRPC_LISTEN", "none:0", "is not that of JORNADA_GRPC_LISTEN"),
    ("ConfigMap jornada-watch", "data.JORNADA_WATCH", "http://serve-ops:4101", "is no port of a Service"),
    ("ConfigMap jornada-settings", "data.JORNADA_PHOTOS", "s3://x?endpoint=http://s3:8333", "is no port of a Service"),
    ("Service mongodb", "spec.ports.0.port", 27018, "mongodb-0.mongodb:27017 is no port"),
    ("Service serve", "spec.ports.0.protocol", "UDP", "nothing listens to UDP"),
    ("Service nginx", "spec.type", "NodePort", "open to the outside"),
    ("Job mongodb-init", f"{ONE}.env.1.value", "mongodb-0.mongo:27017", "mongodb-0.mongo:27017 is no port"),
    ("Job prepare", "spec.backoffLimit", 0, "backoffLimit is not 12"),
    ("Deployment serve", f"{ONE}.resources.requests.cpu", "500", "a wrong unit"),
    ("StatefulSet mongodb", f"{ONE}.resources.limits.memory", "256Gi", "a wrong unit"),
    ("Deployment serve", "spec.minReadySeconds", 700, "longer than progressDeadlineSeconds"),
    ("Deployment serve", f"{ONE}.imagePullPolicy", "Never", "imagePullPolicy cannot be"),
    ("Service serve-ops", "spec.clusterIP", REMOVE, "clusterIP is not None"),
    ("Deployment serve", "spec.strategy", REMOVE, "strategy is not"),
    ("Deployment nginx", "spec.replicas", REMOVE, "replicas is not 2"),
    ("Deployment serve", f"{POD}.topologySpreadConstraints.0.labelSelector.matchLabels", REMOVE, "of other pods"),
    ("StatefulSet watch", f"{POD}.securityContext.fsGroup", REMOVE, "may not write to /data"),
    # Settings and folders.
    ("StatefulSet watch", f"{ONE}.env.2.valueFrom", REMOVE, "JORNADA_SMTP has no value"),
    ("StatefulSet watch", "spec.volumeClaimTemplates.0.spec.resources", REMOVE, "lacks accessModes or storage"),
    ("Job prepare", f"{POD}.containers.1", REMOVE, "runs queue create"),
    ("Job prepare", f"{POD}.containers.1.args.1", REMOVE, "runs queue create, photos"),
    ("CronJob sweep", f"{CRON}.containers", [], "no container"),
    ("HorizontalPodAutoscaler serve", "spec.minReplicas", REMOVE, "minReplicas is not 3"),
    ("HorizontalPodAutoscaler serve", "spec.metrics.0.resource", REMOVE, "no resource"),
    ("Deployment nginx", f"{ONE}.args", REMOVE, "nobody tells it to use /etc/nginx"),
    ("Job mongodb-init", f"{ONE}.command", ["mongosh"], "nobody tells it to use /init"),
    ("Deployment serve", f"{ONE}.env.4.valueFrom", REMOVE, "serve has no JORNADA_SECRET"),
    ("ConfigMap jornada-watch", "data.JORNADA_WATCH", "", "watch has no JORNADA_WATCH"),
    ("ConfigMap jornada-watch", "data.JORNADA_WATCH", "https://serve-ops:4100", "JORNADA_WATCH is of no use"),
    *(("Deployment serve", f"{ONE}.env.{number}", REMOVE, f"serve has no {name}") for number, name in (
        (1, "JORNADA_STORE"), (2, "JORNADA_CACHE"), (3, "JORNADA_QUEUE"), (4, "JORNADA_SECRET"), (5, "JORNADA_PHOTO_KEY"), (6, "AWS_A"))),
    ("Deployment consume", f"{ONE}.env.1", REMOVE, "consume has no JORNADA_STORE"),
    ("Deployment consume", f"{ONE}.env.2", REMOVE, "consume has no JORNADA_QUEUE"),
    ("StatefulSet watch", f"{ONE}.env.1", REMOVE, "watch has no JORNADA_CACHE"),
    ("StatefulSet watch", f"{ONE}.envFrom.1", REMOVE, "watch has no JORNADA_WATCH"),
    ("Job prepare", f"{ONE}.env.0", REMOVE, "queue create has no JORNADA_QUEUE"),
    ("Job prepare", f"{POD}.containers.1.env.0", REMOVE, "photos rewrap has no JORNADA_STORE"),
    ("CronJob sweep", f"{CRON}.containers.0.env.0", REMOVE, "sweep has no JORNADA_STORE"),
    ("CronJob sweep", f"{CRON}.containers.0.envFrom", REMOVE, "sweep has no JORNADA_CAMPAIGNS"),
    ("Deployment serve", f"{ONE}.env.1.valueFrom.secretKeyRef.key", "JORNADA_CACHE", "JORNADA_STORE gets the value of JORNADA_CACHE"),
    ("Deployment serve", f"{ONE}.env.6", {"name": "AWS_ACCESS_KEY_ID", "value": "x"}, "is not in a Secret"),
    ("Deployment serve", f"{ONE}.command", ["/bin/sh"], "another command"),
    ("ConfigMap jornada-settings", "data.JORNADA_LISTEN", "127.0.0.1:4000", "JORNADA_LISTEN is of no use"),
    ("ConfigMap jornada-settings", "data.JORNADA_FORWARDED", "x", "JORNADA_FORWARDED is of no use"),
    ("ConfigMap jornada-settings", "data.JORNADA_ADMIN_TOTP", "sometimes", "JORNADA_ADMIN_TOTP is of no use"),
    ("ConfigMap jornada-settings", "data.JORNADA_PHOTOS", "file:/photos", "JORNADA_PHOTOS is of no use"),
    ("ConfigMap jornada-settings", "data.JORNADA_LOG_FORMAT", "jason", "JORNADA_LOG_FORMAT is of no use"),
    ("ConfigMap jornada-watch", "data.JORNADA_WATCH_LOST", "0", "JORNADA_WATCH_LOST is of no use"),
    ("ConfigMap jornada-watch", "data.JORNADA_WATCH_DATA", "/var/watch", "nobody tells it to use /data"),
    ("ConfigMap jornada-settings", "data.JORNADA_CAMPAIGNS", "/campaign", "no campaigns in /campaign"),
    ("Deployment serve", f"{ONE}.volumeMounts.0.mountPath", "/campaign", "configMap is mounted at /campaigns"),
    ("Deployment serve", f"{ONE}.volumeMounts.1", REMOVE, "emptyDir is mounted at /tmp"),
    ("Deployment consume", f"{ONE}.volumeMounts.0", REMOVE, "configMap is mounted at /campaigns"),
    ("StatefulSet redis", f"{ONE}.volumeMounts.1", REMOVE, "emptyDir is mounted at /tmp"),
    ("StatefulSet watch", f"{ONE}.volumeMounts.0.mountPath", "/var/data", "claim is mounted at /data"),
    ("StatefulSet mongodb", f"{ONE}.volumeMounts.0.mountPath", "/data", "claim is mounted at /data/db"),
    ("StatefulSet mongodb", f"{ONE}.args.6", "/db", "nobody tells it to use /data/db"),
    ("Deployment nginx", f"{POD}.volumes.0.configMap.items.2.path", "http.conf", "nginx finds no here/http.conf"),
    ("ConfigMap jornada-settings", "data.JORNADA_PROXY", "10.0.0.0/8", "JORNADA_PROXY lacks"),
    # Kafka.
    ("Deployment serve", f"{ONE}.env.3.valueFrom.secretKeyRef.key", "JORNADA_STORE", "JORNADA_QUEUE gets"),
    ("KafkaTopic votes", "spec.partitions", 6, "other partitions"),
    ("KafkaNodePool nodes", "spec.replicas", 0, "fewer nodes"),
    ("KafkaNodePool nodes", "metadata.labels", REMOVE, "no label of its cluster"),
    ("KafkaTopic votes", "metadata.labels", REMOVE, "no label of its cluster"),
    ("KafkaNodePool nodes", "spec.roles", ["broker"], "role controller"),
    ("Kafka jornada", "spec.kafka.metadataVersion", "3.9-IV0", "with the metadata of"),
    ("Kafka jornada", "spec/kafka/config/broker.id", 3, "Strimzi sets broker.id"),
    ("KafkaTopic votes", "spec/config/min.insync.replicas", 2, "fewer copies than must acknowledge"),
    ("Kafka jornada", "spec/kafka/config/offsets.topic.replication.factor", 3, "fewer nodes of Kafka than offsets.topic"),
    # Objects.
    ("CronJob sweep", "", REMOVE, "CronJob sweep is missing"),
    ("HorizontalPodAutoscaler serve", "", REMOVE, "is missing"),
    ("KafkaTopic votes", "", REMOVE, "is missing"),
    ("ConfigMap mongodb-init", "", REMOVE, "is missing"),
    ("Service serve-ops", "metadata.name", "serve-opps", "Service serve-opps is not expected"),
    # The network.
    ("NetworkPolicy default-deny", "spec.policyTypes", ["Egress"], "stranger may connect to port 22 of prepare"),
    ("NetworkPolicy all-to-dns", "spec.egress", [], "cannot connect to port 53 of dns"),
    ("NetworkPolicy all-to-dns", "spec.egress.0.to.1", REMOVE, "cannot connect to port 53 of node-local-dns"),
    ("NetworkPolicy all-to-dns", "spec.egress.0.to.3", REMOVE, "cannot connect to port 53 of metadata"),
    ("NetworkPolicy all-to-dns", "spec.egress.0.ports.0", REMOVE, "cannot connect to port 53 of dns by UDP"),
    ("NetworkPolicy clients-to-mongodb", "spec.egress.0.ports.0.protocol", "UDP", "cannot connect to port 27017 of mongodb by TCP"),
    ("NetworkPolicy serve-from-nginx", "spec.ingress.0.ports.0.endPort", 65535, "nginx may connect to port 8080 of serve"),
    ("NetworkPolicy serve-from-nginx", "spec.ingress.0.ports.0.protocol", "SCTP", "cannot connect to port 4000"),
    ("NetworkPolicy clients-to-mongodb", "spec.egress.0.ports.0.port", 27018, "cannot connect to port 27017 of mongodb"),
    ("NetworkPolicy redis-from-clients", "spec.ingress.0.from", REMOVE, "stranger may connect to port 6379 of redis"),
    ("NetworkPolicy redis-from-clients", "spec.ingress", [], "serve cannot connect to port 6379 of redis"),
    ("NetworkPolicy serve-from-nginx", "spec.ingress.0.from", [{"namespaceSelector": {}}], "stranger may connect to port 4000"),
    ("NetworkPolicy watch-to-mail", "spec.egress.0.to.0.ipBlock.except", REMOVE, "watch may connect to port 25 of metadata"),
    ("NetworkPolicy nginx-from-gateway", "spec.ingress.0.from", REMOVE, "stranger may connect to port 8080 of nginx"),
    ("NetworkPolicy kafka-from-kafka", "spec.ingress.0.from", REMOVE, "stranger may connect to port 9090 of kafka"),
]
PRODUCTION = [
    ("Gateway jornada", "spec.listener", [], "listener"),
    ("Gateway jornada", "spec.listeners.0.port", "http", "port"),
    ("Gateway jornada", "spec.listeners.1.tls", REMOVE, "certificates and HTTPS do not fit"),
    ("Gateway jornada", "spec.listeners.1.tls.certificateRefs", REMOVE, "certificates and HTTPS do not fit"),
    ("Gateway jornada", "spec.listeners.1.protocol", "Https", "protocol cannot be"),
    ("Gateway jornada", "spec.listeners.1.allowedRoutes.namespaces.from", "Any", "from cannot be"),
    ("HTTPRoute site", f"{FIRST}.timeouts.request", "forever", "request cannot be"),
    ("PodMonitor jornada", "spec.podMetricsEndpoints.0.interval", "ten", "interval"),
    ("PodMonitor jornada", "spec.podMetricsEndpoints.0.scrapeTimeout", "20s", "longer than interval"),
    *((name, "", REMOVE, f"{name} is missing") for name in (
        "GRPCRoute votes", "HTTPRoute redirect", "PodMonitor consumer", "PrometheusRule jornada", "ConfigMap jornada-datasources",
        "ConfigMap dashboard-campana", "KafkaTopic votes", "Deployment nginx")),
    ("HTTPRoute site", f"{FIRST}.backendRefs.0.weights", 1, "weights"),
    ("HTTPRoute site", f"{FIRST}.filters.0.type", "HeaderModifier", "filter of type"),
    ("GRPCRoute votes", f"{FIRST}.matches.0.method.services", "x", "services"),
    ("ScaledObject consume", "spec.maxReplicas", 3, "maxReplicas"),
    ("ScaledObject consume", "spec.triggers.0.metadata", REMOVE, "metadata"),
    ("PodMonitor jornada", "spec.podMetricsEndpoints.0.intervals", "1s", "intervals"),
    ("PrometheusRule jornada", "spec.groups.0.rules.0.fore", "1m", "fore"),
    ("PodMonitor watch", "spec.podMetricsEndpoints.0.port", "ops", "has no port ops"),
    ("HTTPRoute site", "spec.parentRefs.0.sectionName", "tls", "no listener tls"),
    ("Gateway jornada", "spec.listeners.3", REMOVE, "no listener on port 80 for grpc.jornada.example.org"),
    ("Gateway jornada", "metadata.annotations", REMOVE, "no issuer"),
    ("Gateway jornada", "spec.listeners.1.allowedRoutes.namespaces.from", "All", "takes routes of other namespaces"),
    ("ConfigMap jornada-datasources", "metadata.labels", REMOVE, "no label grafana_datasource"),
    ("NetworkPolicy roles-to-mongodb", "spec.egress.0.to.1", REMOVE, "cannot connect to port 27017 of internet-6"),
    ("Gateway jornada", "spec.listeners.2.port", 8443, "HTTPS on port 8443"),
    ("HTTPRoute redirect", "spec.parentRefs.0.sectionName", "https", "plain HTTP redirects"),
    ("HTTPRoute site", "spec.parentRefs.0.sectionName", "http", "plain HTTP redirects"),
    ("HTTPRoute redirect", f"{FIRST}.filters.0.requestRedirect.scheme", "http", "plain HTTP redirects"),
    ("HTTPRoute site", f"{FIRST}.backendRefs.0.name", "serve", "passes by nginx"),
    ("HTTPRoute site", f"{FIRST}.backendRefs.0.weight", 0, "no requests for nginx"),
    ("HTTPRoute site", f"{FIRST}.timeouts", REMOVE, "are cut off"),
    ("HTTPRoute site", f"{FIRST}.filters.1", REMOVE, "no Strict-Transport-Security"),
    ("GRPCRoute votes", f"{FIRST}.matches.0.method.service", "jornada.v2.Votes", "its services are not"),
    ("GRPCRoute votes", f"{FIRST}.matches", [], "its services are not"),
    ("ConfigMap jornada-settings", "data.JORNADA_PUBLIC_URL", "https://other.example.org", "not for the host"),
    ("PodMonitor jornada", "spec.podMetricsEndpoints.0.path", "/metric", "path /metric"),
    ("HTTPRoute site", "spec.hostnames", ["x.example.org"], "another host"),
    ("GRPCRoute votes", "spec.hostnames", ["jornada.example.org", "grpc.jornada.example.org"], "share the host"),
    ("NetworkPolicy acme-from-gateway", "spec.ingress", [], "gateway cannot connect to port 8089"),
    ("HTTPRoute site", f"{FIRST}.filters", [], "clients can send X-Client-Address"),
    ("HTTPRoute site", f"{FIRST}.backendRefs.0.port", 8080, "no port 8080 of Service nginx"),
    ("HTTPRoute site", f"{FIRST}.backendRefs.0.port", 8050, "speaks another protocol"),
    ("HTTPRoute site", f"{FIRST}.backendRefs", [], "without backend"),
    ("GRPCRoute votes", f"{FIRST}.backendRefs.0.port", 80, "speaks another protocol"),
    ("ScaledObject consume", "spec.maxReplicaCount", 13, "more consumers than partitions"),
    ("ScaledObject consume", "spec.triggers.0.metadata.bootstrapServers", "kafka:9092", "no listener of Kafka"),
    ("ScaledObject consume", "spec.triggers.0.metadata.bootstrapServers", "jornada-kafka-bootstrap.x.svc:9092", "no listener of Kafka"),
    ("ScaledObject consume", "spec.triggers.0.metadata.consumerGroup", "jornadas", "another group"),
    ("ScaledObject consume", "spec.triggers.0.metadata.lagThreshold", "many", "lagThreshold is no number"),
    ("ScaledObject consume", "spec.triggers.0.metadata.lagThreshold", REMOVE, "lagThreshold is no number"),
    ("ScaledObject consume", "spec.triggers.0.type", "kafk", "no trigger kafk"),
    ("ScaledObject consume", "spec.minReplicaCount", 20, "is not between"),
    ("ScaledObject consume", "spec.minReplicaCount", 0, "is not between"),
    ("ScaledObject consume", "spec.scaleTargetRef.name", "serve", "two autoscalers"),
    ("NetworkPolicy kafka-from-keda", "spec.ingress", [], "keda cannot connect"),
    ("NetworkPolicy metrics-from-prometheus", "spec.ingress.0.from.0.podSelector", REMOVE, "loki may connect"),
    ("NetworkPolicy roles-to-mongodb", "spec.egress.0.to.0.ipBlock.except", REMOVE, "of metadata"),
    ("NetworkPolicy roles-to-redis", "spec.egress", [], "serve cannot connect to port 6379"),
]
BY_OVERLAY = {"local": LOCAL, "production": PRODUCTION}
# A file of k8s/cloudrun in place of the object.
SERVICE = "spec.template.spec"
FIRST_OF_RUN = f"{SERVICE}.containers.0"
CLOUD_RUN = [
    ("service.yaml", "spec.traffik", [], "traffik"),
    ("service.yaml", f"{SERVICE}.nodeSelector", {}, "does not know nodeSelector"),
    ("service.yaml", f"{FIRST_OF_RUN}.securityContext", {}, "does not know securityContext"),
    ("service.yaml", f"{FIRST_OF_RUN}.image", "jornada", "has no version"),
    ("service.yaml", f"{FIRST_OF_RUN}.resources", REMOVE, "no limits"),
    ("service.yaml", f"{FIRST_OF_RUN}.args", ["server"], "no command server"),
    ("service.yaml", f"{FIRST_OF_RUN}.args", ["serve", "--readonly"], "serve has no --readonly"),
    ("service.yaml", f"{FIRST_OF_RUN}.env.0.name", "PORT", "PORT is not a setting"),
    ("service.yaml", f"{FIRST_OF_RUN}.env.4.value", "file:data", "lost"),
    ("service.yaml", f"{FIRST_OF_RUN}.env.7.name", "JORNADA_LOG", "serve has no JORNADA_STORE"),
    ("service.yaml", f"{FIRST_OF_RUN}.ports.0.containerPort", 8081, "is not the one port"),
    ("service.yaml", f"{FIRST_OF_RUN}.env.1.value", "0.0.0.0:4050", "second port"),
    ("service.yaml", f"{FIRST_OF_RUN}.ports.0.name", "http1", "h2c"),
    ("service.yaml", "spec.template.metadata.annotations", {"autoscaling.knative.dev/maxScale": "1"}, "stand still"),
    ("service.yaml", "spec.template.metadata.annotations", {"run.googleapis.com/cpu-throttling": "false"}, "no maxScale"),
    ("consume.yaml", f"{FIRST_OF_RUN}.ports", [{"containerPort": 8080}], "has no port"),
    ("service.yaml", f"{FIRST_OF_RUN}.env.8", REMOVE, "serve has no JORNADA_CACHE"),
    ("service.yaml", f"{FIRST_OF_RUN}.env.9", REMOVE, "serve has no JORNADA_QUEUE"),
    ("service.yaml", f"{FIRST_OF_RUN}.env.10", {"name": "JORNADA_SECRET", "value": "plain"}, "JORNADA_SECRET is not in a secret"),
    ("service.yaml", f"{FIRST_OF_RUN}.env.8.valueFrom.secretKeyRef.key", "JORNADA_CACHE", "no version of a secret"),
    ("service.yaml", f"{FIRST_OF_RUN}.env.8.valueFrom.secretKeyRef.name", "jornada-store", "share a secret"),
    ("consume.yaml", f"{FIRST_OF_RUN}.env.2", REMOVE, "consume has no JORNADA_QUEUE"),
    ("service.yaml", f"{FIRST_OF_RUN}.startupProbe.httpGet.port", 9, "asks what does not answer"),
    ("service.yaml", f"{FIRST_OF_RUN}.startupProbe.httpGet.path", "/x", "asks what does not answer"),
    ("service.yaml", f"{FIRST_OF_RUN}.startupProbe.timeoutSeconds", 300, "longer than periodSeconds"),
    ("service.yaml", f"{FIRST_OF_RUN}.startupProbe.failureThreshold", 600, "240 s at most"),
    ("service.yaml", f"{FIRST_OF_RUN}.resources.limits.cpu", "500m", "less than a whole processor"),
    ("service.yaml", f"{FIRST_OF_RUN}.resources.limits.memory", "128Mi", "than 512Mi"),
    ("service.yaml", f"{FIRST_OF_RUN}.resources.limits.memory", "lots", "memory cannot be"),
    ("service.yaml", f"{SERVICE}.containerConcurrency", 5000, "at most 1000"),
    ("service.yaml", f"{SERVICE}.timeoutSeconds", 7200, "at most 3600"),
    ("service.yaml", f"{FIRST_OF_RUN}.env.3.name", "JORNADA_HOSTS", "JORNADA_PROXY"),
    ("service.yaml", f"{FIRST_OF_RUN}.env.4.value", "0", "JORNADA_FORWARDED"),
    ("service.yaml", f"{FIRST_OF_RUN}.args", ["consume"], "does not run serve"),
    ("results.yaml", f"{FIRST_OF_RUN}.args", ["serve"], "does not run serve --read-only"),
    ("consume.yaml", f"{FIRST_OF_RUN}.startupProbe", {"httpGet": {"path": "/healthz", "port": 4100}}, "asks what does not answer"),
    ("service.yaml", "spec/template/metadata/annotations/run.googleapis.com~1x", "1", "does not know the annotation"),
    ("consume.yaml", f"{SERVICE}.timeoutSeconds", 3, "does not know timeoutSeconds"),
    ("consume.yaml", "metadata.annotations", REMOVE, "without instances"),
    ("consume.yaml", "kind", "Workers", "no schema"),
]
COUNT = len(LOCAL) + len(PRODUCTION) + len(CLOUD_RUN)


def missed(items, find_errors, overlay):
    """Yields the ways to break an overlay that no check finds. `find_errors` gets all objects and the broken one."""
    for target, path, value, expected in BY_OVERLAY[overlay]:
        kind, name = target.split()
        found = [number for number, item in enumerate(items) if (item["kind"], plain_name(item)) == (kind, name)]
        if len(found) != 1:
            yield f"{target} does not exist, so it cannot be broken"
            continue
        broken = list(items)
        broken[found[0]] = copy.deepcopy(items[found[0]])
        if path:
            change(broken[found[0]], path, value)
            item = broken[found[0]]
        else:
            item = broken.pop(found[0])
        yield from proof(find_errors(broken, item), expected, f"{target}: {path}", value)


def proof(found, expected, place, value):
    """Yields a message unless the expected error is among those found."""
    errors = []
    for error in found:
        errors.append(error)
        if expected in error:
            return
    what = f"is found only as: {errors[0]}" if errors else "is not found"
    yield f"{place} = {'(removed)' if value is REMOVE else str(value)[:40]} {what}"


def change(item, path, value):
    """Sets or removes a value."""
    path = path.split("/" if "/" in path else ".")
    for key in path[:-1]:
        item = item[int(key)] if isinstance(item, list) else item.setdefault(key, {})
    key = int(path[-1]) if isinstance(item, list) else path[-1]
    if value is REMOVE:
        del item[key]
    else:
        item[key] = value
