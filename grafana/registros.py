"""Registros: the log lines of all instances, and those of one request."""

from panels import LOKI, dashboard as made, lines, logs, row, variable

# Lines of `jornada serve` and `jornada watch`.
ONE = 'service=~"jornada|watch",instance=~"$instance"'
# The application and nginx both write `request_id`; the search is for the plain text.
REQUEST = '{service=~".+"} |= "$request"'


def of_loki(name, label, **more):
    """Returns a variable with the values of a label in Loki."""
    return variable(name, label, LOKI, {"type": 1, "label": name, "stream": '{service=~"jornada|watch"}', "refId": name}, **more)


def panels():
    """Returns the panels."""
    return [
        row("Cuántas"),
        lines("Líneas por nivel", "Líneas de todas las instancias según su nivel.", "none",
              (f'sum by (level) (count_over_time({{{ONE},level=~"$level"}}[$__auto]))', "{{level}}"),
              source=LOKI, stacked=True, width=12),
        lines("Líneas por instancia", "Líneas de cada instancia.", "none",
              (f'sum by (instance) (count_over_time({{{ONE},level=~"$level"}}[$__auto]))', "{{instance}}"),
              source=LOKI, stacked=True, width=12),
        row("Lo que falla"),
        logs("Errores y avisos", "Lo que alguna instancia señaló como error o aviso, con su causa.",
             f'{{{ONE},level=~"(?i)error|warn"}}'),
        logs("Respuestas 5xx", "Solicitudes que terminaron en un error nuestro.",
             f'{{{ONE}}} | json | status >= 500', width=12),
        logs("Solicitudes lentas", "Solicitudes de más de un segundo.", f'{{{ONE}}} | json | ms > 1000', width=12),
        row("Una solicitud"),
        logs("Una solicitud, en todas partes", "Todas las líneas de una solicitud, de nginx y de las instancias. Escriba "
             "arriba el identificador: el cliente lo recibe en X-Request-Id.", REQUEST),
        row("Todas"),
        logs("Todas las líneas", "Las líneas de las instancias y los niveles escogidos arriba.",
             f'{{{ONE},level=~"$level"}}', height=16),
    ]


def dashboard():
    """Returns the dashboard."""
    request = {"type": "textbox", "name": "request", "label": "Solicitud (X-Request-Id)", "query": "",
               "current": {"text": "", "value": ""}, "options": []}
    return made("jornada-registros", "Registros", "Las líneas de registro de todo el sistema, en Loki.",
                [of_loki("instance", "Instancia"), of_loki("level", "Nivel"), request], panels())
