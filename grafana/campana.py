"""Campaña: registrations by place, rejections by reason, photos, and the delay of the chart."""

from panels import PROMETHEUS, bars, dashboard as made, heat, lines, number, row, steps, variable

ONE = 'campaign=~"$campaign"'
RATE = "$__rate_interval"
# Every instance exports the same totals: the highest value is the newest.
TOTALS = f"max by (campaign, value) (jornada_tally_registrations{{{ONE}}})"


def registrations():
    """Returns the panels of registrations: number, rate, places."""
    accepted = f'jornada_registrations_total{{{ONE},outcome="accepted"}}'
    return [
        row("Registros"),
        number("Total", "Registros de la campaña, como los muestra la gráfica.", "none", (f"sum({TOTALS})", ""), width=6),
        number("En la última hora", "Registros aceptados en la última hora.", "none",
               (f"sum(increase({accepted}[1h]))", ""), width=6, defaults={"decimals": 0}),
        number("Por minuto", "Registros aceptados por minuto, ahora.", "none",
               (f'60 * sum(campaign:jornada_registrations:rate1m{{{ONE},outcome="accepted"}})', ""), width=6,
               defaults={"decimals": 1}),
        number("Ciudades", "Cuántos valores tienen al menos un registro, hasta 41.", "none", (f"count({TOTALS} > 0)", ""),
               width=6),
        lines("Registros por minuto", "Registros aceptados por minuto en cada campaña.", "none",
              (f"60 * sum by (campaign) (rate({accepted}[{RATE}]))", "{{campaign}}"), width=12),
        lines("Por ciudad y minuto", "Registros nuevos por minuto en las diez ciudades que más crecen; sin lista de "
              "ciudades no hay datos.", "none",
              (f"topk(10, clamp_min(delta(({TOTALS})[5m:10s]), 0) / 5)", "{{value}}"), width=12),
        bars("Registros por ciudad", "Las veinte ciudades con más registros; las que no caben van en _other.", "none",
             (f"topk(20, {TOTALS})", "{{value}}"), height=12),
        lines("Resultados", "Intentos por minuto según lo que pasó: aceptado, repetido, ya tomado, rechazado, cerrado, "
              "falla.", "none",
              (f"60 * sum by (outcome) (rate(jornada_registrations_total{{{ONE}}}[{RATE}]))", "{{outcome}}"),
              stacked=True, height=12),
        lines("Rechazos por motivo", "Motivos por minuto; un intento puede tener varios.", "none",
              (f"60 * sum by (reason) (rate(jornada_refusals_total{{{ONE}}}[{RATE}]))", "{{reason}}"), stacked=True,
              height=12),
    ]


def photos():
    """Returns the panels of photos: sizes and photo buffer."""
    return [
        row("Fotos"),
        heat("Tamaño de las fotos", "Cuántas fotos tienen qué tamaño, después de limpiarlas.", "bytes",
             f"sum by (le) (increase(jornada_photo_bytes_bucket[{RATE}]))"),
        lines("Tamaño medio", "Tamaño medio de las fotos guardadas en los últimos 5 minutos.", "bytes",
              ("sum(rate(jornada_photo_bytes_sum[5m])) / (sum(rate(jornada_photo_bytes_count[5m])) > 0)", "medio")),
        lines("Fotos en espera", "Fotos que esperan en la base de datos a que S3 vuelva.", "none",
              ("max(jornada_pending_photos)", "en espera")),
        lines("Espacio de las fotos en espera", "Cuánto ocupan en la base de datos.", "bytes",
              ("max(jornada_pending_photo_bytes)", "en espera")),
        lines("Fotos llevadas a S3", "Fotos por minuto que esperaban y ya están en S3.", "none",
              (f"60 * sum(rate(jornada_photos_moved_total[{RATE}]))", "llevadas")),
        lines("Fotos por borrar", "Fotos de inscripciones borradas de las que aún no se sabe que ya no están.", "none",
              ("max(jornada_unremoved_photos)", "por borrar")),
    ]


def chart():
    """Returns the panels of chart and reports."""
    return [
        row("Gráfica y reportes"),
        lines("Atraso de la gráfica", "Hace cuánto se comprobaron los totales que se muestran.", "s",
              (f"time() - max by (campaign) (jornada_tally_as_of_seconds{{{ONE}}})", "{{campaign}}")),
        number("Diferencia con la base de datos", "En cuánto diferían los totales en la última comprobación: debe ser 0.",
               "none", (f"max by (campaign) (jornada_tally_drift{{{ONE}}} or 0 * jornada_tally_stale{{{ONE}}})",
                        "{{campaign}}"),
               width=8, thresholds=steps(("red", 1))),
        number("Gráfica atrasada", "Instancias que muestran totales que pueden estar atrasados.", "none",
               (f"sum by (campaign) (jornada_tally_stale{{{ONE}}})", "{{campaign}}"), width=8,
               thresholds=steps(("yellow", 1))),
        lines("Personas que miran la gráfica", "Conexiones de eventos abiertas en cada instancia.", "none",
              ("jornada_event_clients", "{{instance}}"), stacked=True),
        lines("Filas de reportes", "Filas por minuto escritas en reportes.", "none",
              (f"60 * sum by (instance) (rate(jornada_report_rows_total[{RATE}]))", "{{instance}}")),
        lines("Duración de los reportes (p95)", "Tiempo de 95 de cada 100 reportes, con la espera de su turno.", "s",
              ("histogram_quantile(0.95, sum by (le) (rate(jornada_report_duration_seconds_bucket[15m])))", "p95")),
    ]


def dashboard():
    """Returns the dashboard."""
    variables = [variable("campaign", "Campaña", PROMETHEUS,
                          {"query": "label_values(jornada_tally_as_of_seconds, campaign)", "refId": "campaign"})]
    return made("jornada-campana", "Campaña", "Registros, fotos y gráfica de cada campaña.", variables,
                registrations() + photos() + chart(), span="now-3h")
