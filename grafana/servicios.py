"""Servicios: availability, traffic, response times, errors, dependencies and resources."""

from panels import PROMETHEUS, bars, dashboard as made, heat, lines, number, row, states, steps, variable

ONE = 'job="jornada",instance=~"$instance"'
RATE = "$__rate_interval"
DISKS = 'fstype!~"tmpfs|ramfs|overlay|squashfs|iso9660"'


def state():
    """Returns the panels of availability."""
    return [
        row("Estado"),
        number("Instancias en pie", "Cuántas instancias responden a Prometheus ahora.", "none",
               ('sum(up{job="jornada"})', ""), thresholds=steps(("red", 0), ("yellow", 2), ("green", 3))),
        number("Alertas", "Alertas de Prometheus que están activas, con o sin correo.", "none",
               ('count(ALERTS{alertstate="firing",severity!="none"}) or vector(0)', ""), thresholds=steps(("red", 1))),
        number("Incidentes abiertos", "Incidentes que la vigilancia ha abierto y no ha cerrado.", "none",
               ("max(jornada_watch_incidents_open)", ""), thresholds=steps(("red", 1))),
        number("Correos en espera", "Correos de la vigilancia que el servidor SMTP aún no ha recibido.", "none",
               ("max(jornada_watch_outbox_mails)", ""), thresholds=steps(("yellow", 1), ("red", 5))),
        number("Errores", "Proporción de respuestas 5xx en los últimos 5 minutos.", "percentunit",
               ("job:jornada_http_errors:ratio5m", ""), thresholds=steps(("yellow", 0.01), ("red", 0.05))),
        number("p99", "Tiempo en el que se responden 99 de cada 100 solicitudes, sin reportes ni eventos.", "s",
               ("job:jornada_http_request_duration_seconds:p99_5m", ""), thresholds=steps(("yellow", 1), ("red", 2))),
        states("Instancias", "Cada instancia en el tiempo, según Prometheus: verde en pie, rojo caída.",
               ('up{job="jornada",instance=~"$instance"}', "{{instance}}")),
        lines("Alertas por nombre", "Qué alertas están activas. WatchStands es la señal de que la vigilancia está en pie.", "none",
              ('count by (alertname) (ALERTS{alertstate="firing"})', "{{alertname}}"), width=12),
        states("Según la vigilancia", "Cada instancia en el tiempo, según /readyz: también cae sin base de datos.",
               ("max by (target) (jornada_watch_target_up)", "{{target}}")),
        states("Dependencias", "Si alguna instancia alcanza la base de datos, las fotos y Redis.",
               ("max by (dependency) (jornada_dependency_up)", "{{dependency}}")),
        lines("Correos de la vigilancia", "Correos enviados y fallidos por hora.", "none",
              ("sum by (outcome) (increase(jornada_watch_mails_total[1h]))", "{{outcome}}"), width=12),
    ]


def traffic():
    """Returns the panels of requests and answers."""
    return [
        row("Tráfico"),
        lines("Solicitudes por instancia", "Solicitudes por segundo en cada instancia.", "reqps",
              (f"sum by (instance) (rate(jornada_http_requests_total{{{ONE}}}[{RATE}]))", "{{instance}}"), stacked=True),
        lines("Solicitudes por ruta", "Solicitudes por segundo según la plantilla de la ruta.", "reqps",
              (f"sum by (method, route) (rate(jornada_http_requests_total{{{ONE}}}[{RATE}]))", "{{method}} {{route}}")),
        lines("Respuestas por estado", "Respuestas por segundo según su código HTTP.", "reqps",
              (f"sum by (status) (rate(jornada_http_requests_total{{{ONE}}}[{RATE}]))", "{{status}}"), stacked=True),
        lines("Errores por ruta", "Respuestas 4xx y 5xx por segundo; las 5xx son nuestras.", "reqps",
              (f'sum by (route, status) (rate(jornada_http_requests_total{{{ONE},status=~"[45].."}}[{RATE}]))',
               "{{status}} {{route}}")),
        heat("Duraciones", "Cuántas solicitudes tardan cuánto: cuanto más claro, más solicitudes.", "s",
             f"sum by (le) (increase(jornada_http_request_duration_seconds_bucket{{{ONE}}}[{RATE}]))"),
        lines("Percentiles", "Tiempo de respuesta de 50, 95 y 99 de cada 100 solicitudes.", "s",
              *[(f"histogram_quantile({q}, sum by (le) (rate(jornada_http_request_duration_seconds_bucket{{{ONE}}}[{RATE}])))",
                 f"p{int(q * 100)}") for q in (0.5, 0.95, 0.99)]),
        lines("En curso", "Solicitudes que se atienden ahora en cada instancia.", "none",
              (f"jornada_requests_in_flight{{{ONE}}}", "{{instance}}")),
        lines("Memoria para subidas", "Parte usada de la memoria reservada para subir fotos; llena, se responde 503.",
              "percentunit",
              (f"jornada_upload_bytes{{{ONE}}} / jornada_upload_limit_bytes{{{ONE}}}", "{{instance}}"),
              defaults={"max": 1}),
        lines("Líneas perdidas", "Líneas de registro por segundo que no llegaron a Loki (loki_…) o a la salida estándar "
              "(stdout_full).", "none", ("sum by (instance, reason) (rate(jornada_log_lines_dropped_total[5m]))", "{{instance}} {{reason}}")),
    ]


def dependencies():
    """Returns the panels of the dependencies, as seen by the instances."""
    seconds = f"jornada_dependency_operation_duration_seconds_bucket{{{ONE}}}"
    return [
        row("Dependencias"),
        lines("Operaciones", "Operaciones por segundo sobre la base de datos, las fotos y Redis.", "ops",
              (f"sum by (dependency, operation) (rate(jornada_dependency_operation_duration_seconds_count{{{ONE}}}[{RATE}]))",
               "{{dependency}} {{operation}}")),
        lines("Duración de las operaciones (p95)", "Tiempo de 95 de cada 100 operaciones.", "s",
              (f"histogram_quantile(0.95, sum by (dependency, operation, le) (rate({seconds}[5m])))",
               "{{dependency}} {{operation}}")),
        lines("Fallas de operaciones", "Operaciones por segundo que fallaron o no terminaron a tiempo.", "ops",
              (f"sum by (dependency, operation) (rate(jornada_dependency_errors_total{{{ONE}}}[{RATE}]))",
               "{{dependency}} {{operation}}")),
    ]


def processes():
    """Returns the panels of the resources of instances and machines."""
    return [
        row("Máquinas"),
        lines("CPU de las instancias", "Núcleos que usa cada instancia.", "none",
              (f"rate(process_cpu_seconds_total{{{ONE}}}[{RATE}])", "{{instance}}")),
        lines("Memoria de las instancias", "Memoria residente de cada instancia.", "bytes",
              (f"process_resident_memory_bytes{{{ONE}}}", "{{instance}}")),
        lines("Archivos abiertos", "Archivos y conexiones abiertos en cada instancia, y su límite.", "none",
              (f"process_open_fds{{{ONE}}}", "{{instance}}"),
              (f"min(process_max_fds{{{ONE}}})", "límite")),
        lines("CPU de la máquina", "Parte del procesador en uso.", "percentunit",
              (f'1 - avg by (instance) (rate(node_cpu_seconds_total{{mode="idle"}}[{RATE}]))', "{{instance}}"),
              defaults={"max": 1}),
        lines("Memoria de la máquina", "Parte de la memoria que no está disponible.", "percentunit",
              ("1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "{{instance}}"), defaults={"max": 1}),
        bars("Disco usado", "Parte usada de cada disco; con menos de 15 % libre llega un correo.", "percentunit",
             (f"1 - node_filesystem_avail_bytes{{{DISKS}}} / node_filesystem_size_bytes{{{DISKS}}}",
              "{{instance}} {{mountpoint}}"),
             defaults={"max": 1, "thresholds": steps(("yellow", 0.75), ("red", 0.85)), "color": {"mode": "thresholds"}}),
    ]


def nginx():
    """Returns the panels of nginx."""
    return [
        row("nginx"),
        lines("Conexiones", "Conexiones abiertas según lo que hacen.", "none",
              *[(f"nginx_connections_{kind}", kind) for kind in ("active", "reading", "writing", "waiting")], width=12),
        lines("Solicitudes en la puerta", "Solicitudes por segundo que recibe nginx.", "reqps",
              (f"rate(nginx_http_requests_total[{RATE}])", "{{instance}}"), width=12),
    ]


def mongodb():
    """Returns the panels of MongoDB."""
    latency = "sum by (instance, op_type) (rate(mongodb_ss_opLatencies_{}[5m]))"
    return [
        row("MongoDB"),
        states("Miembros", "Cada miembro del conjunto de réplicas, según los otros.",
               ("min by (member_idx) (mongodb_rs_members_health)", "{{member_idx}}"), width=8),
        lines("Operaciones de MongoDB", "Operaciones por segundo en cada miembro.", "ops",
              (f"sum by (instance, legacy_op_type) (rate(mongodb_ss_opcounters[{RATE}]))",
               "{{instance}} {{legacy_op_type}}")),
        lines("Latencia de MongoDB", "Tiempo medio de lecturas, escrituras y órdenes.", "µs",
              (f"{latency.format('latency')} / ({latency.format('ops')} > 0)", "{{instance}} {{op_type}}")),
        lines("Conexiones de MongoDB", "Conexiones abiertas en cada miembro.", "none",
              ('mongodb_ss_connections{conn_type="current"}', "{{instance}}")),
        lines("Caché de WiredTiger", "Memoria que ocupan los datos en cada miembro.", "bytes",
              ("mongodb_ss_wt_cache_bytes_currently_in_the_cache", "{{instance}}")),
        lines("Atraso de los miembros", "Cuánto va cada miembro detrás del más reciente.", "ms",
              ("scalar(max(mongodb_rs_members_optimeDate)) - max by (member_idx) (mongodb_rs_members_optimeDate)",
               "{{member_idx}}")),
    ]


def redis():
    """Returns the panels of Redis."""
    return [
        row("Redis"),
        lines("Órdenes de Redis", "Órdenes por segundo.", "ops",
              (f"rate(redis_commands_processed_total[{RATE}])", "{{instance}}")),
        lines("Memoria de Redis", "Memoria que ocupan los datos.", "bytes", ("redis_memory_used_bytes", "{{instance}}")),
        lines("Clientes de Redis", "Conexiones abiertas.", "none", ("redis_connected_clients", "{{instance}}")),
    ]


def dashboard():
    """Returns the dashboard."""
    variables = [variable("instance", "Instancia", PROMETHEUS,
                          {"query": "label_values(jornada_build_info, instance)", "refId": "instance"})]
    panels = state() + traffic() + dependencies() + processes() + nginx() + mongodb() + redis()
    return made("jornada-servicios", "Servicios", "Qué está en pie, cuánto se pide y cómo se responde.", variables, panels)
