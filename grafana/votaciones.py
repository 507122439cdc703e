"""Votaciones: votes by door, the queue and its consumers, records that are no votes, and the highest values of each tally."""

from panels import PROMETHEUS, bars, dashboard as made, heat, lines, number, row, states, steps, variable

ONE = 'campaign=~"$campaign"'
RATE = "$__rate_interval"
# What a door acknowledged for the first time.
TAKEN = f'jornada_votes_total{{{ONE},outcome=~"stored|queued"}}'
DIRECT = f'jornada_votes_total{{{ONE},outcome="stored"}}'
CONSUMED = f'jornada_consumer_votes_total{{{ONE},outcome="stored"}}'
# Every instance exports the same totals: the highest value is the newest.
TOTALS = f'max by (campaign, tally, value) (jornada_tally_votes{{{ONE},tally=~"$tally"}})'
# Missing while it is unknown, which is not 0.
UNKNOWN = {"noValue": "desconocido"}


def quantiles(metric):
    """Returns queries of the median, the 95th and the 99th percentile of a histogram."""
    return [(f"histogram_quantile({q}, sum by (le) (rate({metric}_bucket[{RATE}])))", f"p{int(q * 100)}")
            for q in (0.5, 0.95, 0.99)]


def now():
    """Returns the panels of the present state."""
    return [
        row("Ahora"),
        number("Votos contados", "Votos en los totales de las campañas escogidas: en cada campaña, los del conteo con más votos.",
               "none", (f"sum(max by (campaign) (sum by (campaign, tally) ({TOTALS})))", "")),
        number("Votos por segundo", "Votos que las puertas confirman por segundo.", "none",
               (f"sum(rate({TAKEN}[{RATE}]))", ""), defaults={"decimals": 1}),
        number("Votos en la cola", "Votos confirmados que aún no están en la base de datos. Desconocido: sin cola, o la cola no "
               "responde.", "none", ("max(jornada_queue_lag_votes)", ""), defaults=UNKNOWN),
        number("Espera del más antiguo", "Hace cuánto espera el voto más antiguo de la cola; con más de un minuto llega un "
               "correo. Desconocido: sin cola, o la cola no responde.", "s",
               ("max(jornada_queue_oldest_vote_age_seconds)", ""), defaults=UNKNOWN,
               thresholds=steps(("yellow", 10), ("red", 60))),
        number("Consumidores", "Cuántos consumidores leen la cola. Desconocido: sin cola, o la cola no responde.", "none",
               ("max(jornada_queue_consumers)", ""), defaults=UNKNOWN, thresholds=steps(("red", 0), ("green", 1))),
        number("Detenidos", "Consumidores que dejaron de leer porque demasiados registros no eran votos.", "none",
               ("sum(jornada_consumer_stopped)", ""), defaults=UNKNOWN, thresholds=steps(("red", 1))),
    ]


def doors():
    """Returns the panels of what the doors take in."""
    return [
        row("Puertas"),
        lines("Votos por puerta y resultado", "Votos por segundo según la puerta y lo que pasó: guardado, en la cola, repetido, "
              "conflicto, inválido, cerrado, ocupado, falla.", "none",
              (f"sum by (door, outcome) (rate(jornada_votes_total{{{ONE}}}[{RATE}]))", "{{door}} {{outcome}}"), stacked=True),
        lines("Confirmados y guardados", "Votos por segundo que las puertas confirman, y los que llegan a la base de datos, por la "
              "cola o directamente. A la larga son iguales.", "none",
              (f"sum(rate({TAKEN}[{RATE}]))", "confirmados"),
              (f"sum(rate({CONSUMED}[{RATE}]) or rate({DIRECT}[{RATE}]))", "guardados")),
        lines("Rechazos por motivo", "Motivos por segundo; un voto puede tener varios.", "none",
              (f"sum by (reason) (rate(jornada_vote_rejections_total{{{ONE}}}[{RATE}]))", "{{reason}}"), stacked=True),
        lines("Espera en la puerta", "Votos que esperan en cada instancia a ser guardados directamente.", "none",
              ('jornada_insert_waiting_records{kind="vote"}', "{{instance}}"), stacked=True),
        heat("Lotes guardados directamente", "Cuántos lotes tienen cuántos votos, sin pasar por la cola.", "none",
             f'sum by (le) (increase(jornada_insert_batch_records_bucket{{kind="vote"}}[{RATE}]))'),
        lines("Duración de los lotes directos (p95)", "Tiempo de guardar 95 de cada 100 lotes en cada instancia, sin pasar por la "
              "cola.", "s",
              ("histogram_quantile(0.95, sum by (instance, le) "
               '(rate(jornada_insert_batch_duration_seconds_bucket{kind="vote"}[5m])))', "{{instance}}")),
    ]


def queue():
    """Returns the panels of the queue, as seen by instances and consumers."""
    return [
        row("Cola"),
        lines("Votos que esperan", "Votos confirmados que aún no están en la base de datos. Sin línea no se sabe.", "none",
              ("max(jornada_queue_lag_votes)", "en la cola")),
        lines("Espera del voto más antiguo", "Hace cuánto espera; 0 si no espera ninguno. Sin línea no se sabe.", "s",
              ("max(jornada_queue_oldest_vote_age_seconds)", "más antiguo")),
        states("Cola en pie", "Si la cola recibió el último voto de cada instancia: caída, se guardan directamente. Sin línea no "
               "hay cola.", ("jornada_queue_up", "{{instance}}"), width=8),
        lines("Confirmación de la cola", "Tiempo hasta que la cola confirma los votos de una solicitud, de 50, 95 y 99 de cada "
              "100.", "s", *quantiles("jornada_queue_send_duration_seconds")),
        lines("Memoria de envío", "Parte usada de la memoria para los votos que la cola aún no confirma; llena, se guardan "
              "directamente.", "percentunit",
              ("jornada_queue_sending_bytes / (jornada_queue_sending_limit_bytes > 0)", "{{instance}}"), defaults={"max": 1}),
        lines("Guardados sin la cola", "Votos por segundo que se guardan directamente porque la cola está caída o llena.", "none",
              (f"sum by (instance) (rate(jornada_queue_fallback_votes_total[{RATE}]))", "{{instance}}"), stacked=True),
    ]


def consumers():
    """Returns the panels of the consumers."""
    return [
        row("Consumidores"),
        states("Consumidores en pie", "Cada consumidor en el tiempo, según Prometheus.", ('up{job="consumer"}', "{{instance}}"),
               width=8),
        lines("Consumidores que leen", "Miembros del grupo, según la cola. Sin línea no se sabe.", "none",
              ("max(jornada_queue_consumers)", "leen")),
        lines("Votos por consumidor", "Votos por segundo que cada consumidor guarda, o encuentra ya guardados.", "none",
              (f"sum by (instance, outcome) (rate(jornada_consumer_votes_total{{{ONE}}}[{RATE}]))",
               "{{instance}} {{outcome}}"), stacked=True),
        heat("Tamaño de los lotes", "Cuántos lotes de la cola tienen cuántos registros.", "none",
             f"sum by (le) (increase(jornada_consumer_batch_votes_bucket[{RATE}]))"),
        lines("Duración de guardar un lote", "Tiempo hasta que un lote está en la base de datos, con repeticiones, de 50, 95 y 99 "
              "de cada 100.", "s", *quantiles("jornada_consumer_insert_duration_seconds")),
        lines("Duración de confirmar a la cola", "Tiempo de decir a la cola lo que está guardado, de 50, 95 y 99 de cada 100.", "s",
              *quantiles("jornada_consumer_commit_duration_seconds")),
        lines("Cambios de reparto", "Cambios por minuto de las particiones que lee cada consumidor: recibidas, devueltas, "
              "perdidas.", "none",
              (f"60 * sum by (instance, kind) (rate(jornada_consumer_rebalances_total[{RATE}]))", "{{instance}} {{kind}}")),
        lines("Clientes reemplazados", "Veces por minuto que un consumidor se conectó de nuevo, porque falló o dejó de leer.",
              "none", (f"60 * sum by (instance) (rate(jornada_consumer_rebuilds_total[{RATE}]))", "{{instance}}")),
        lines("CPU de los consumidores", "Núcleos que usa cada consumidor.", "none",
              (f'rate(process_cpu_seconds_total{{job="consumer"}}[{RATE}])', "{{instance}}")),
        lines("Memoria de los consumidores", "Memoria residente de cada consumidor.", "bytes",
              ('process_resident_memory_bytes{job="consumer"}', "{{instance}}")),
        lines("Registros que no son votos", "Registros de la cola por minuto que no pueden ser votos, según el motivo.", "none",
              (f"60 * sum by (reason) (rate(jornada_dead_letters_total[{RATE}]))", "{{reason}}"), stacked=True),
        lines("Registros conservados", "Registros que no pudieron ser votos y esperan en la base de datos a que alguien los "
              "revise. Sin línea no se sabe.", "none", ("max(jornada_dead_letters)", "conservados")),
    ]


def results():
    """Returns the panels of the totals: one for each tally."""
    one = bars("$tally", "Los diez valores con más votos, como los ve el público; los demás van en _other.", "none",
               (f"sort_desc({TOTALS})", "{{value}}"), width=12, height=10)
    return [row("Resultados"), one | {"repeat": "tally", "repeatDirection": "h", "maxPerRow": 2}]


def dashboard():
    """Returns the dashboard."""
    campaign = variable("campaign", "Campaña", PROMETHEUS,
                        {"query": "label_values(jornada_tally_votes, campaign)", "refId": "campaign"})
    tally = variable("tally", "Conteo", PROMETHEUS,
                     {"query": f"label_values(jornada_tally_votes{{{ONE}}}, tally)", "refId": "tally"})
    panels = now() + doors() + queue() + consumers() + results()
    return made("jornada-votaciones", "Votaciones", "Los votos de la puerta a los resultados, y la cola entre ellos.",
                [campaign, tally], panels)
