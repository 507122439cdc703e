## Every page

page-skip-to-content = Saltar al contenido
page-other-language = English

## Several pages

common-all = Todos
common-totals = Totales
common-until = Hasta
common-no-registrations = Todavía no hay registros.
common-no-votes = Todavía no hay votos.
common-search = Buscar
common-registrations = Registros
common-votes = Votos
common-go-to-form = Ir al formulario
common-opens = Abre
common-closes = Cierra
common-see-totals = Ver los totales
common-problem = Hay un problema
common-optional = (opcional)
common-choose = Elija…
common-receipt = Comprobante
common-received = Recibido
common-print = Imprimir
common-what = Qué

## Form

form-consent = Autorización
form-proving = Comprobando que no es un programa automático…
form-preparing-photo = Preparando la foto…
form-sending = Enviando su registro…
form-vote-sending = Enviando su voto…
form-received = Recibido. Abriendo su comprobante…
form-offline = Sin conexión. Su registro se enviará solo apenas vuelva. No cierre esta página.
form-vote-offline = Sin conexión. Su voto se enviará solo apenas vuelva. No cierre esta página.
form-slow = La conexión es lenta: se envía una foto más pequeña. No cierre esta página.
form-busy = El servidor está ocupado. Su registro se enviará solo en un momento. No cierre esta página.
form-vote-busy = El servidor está ocupado. Su voto se enviará solo en un momento. No cierre esta página.
form-photo-unreadable = La foto ya no se puede leer: cambió, se movió o se borró, o no está en este dispositivo. Elija de nuevo la foto.
form-photo-lost = Su registro no se terminó de enviar. Elija de nuevo la foto y envíelo otra vez: no quedará repetido.
form-failed = No pudimos recibir su registro. Intente otra vez en unos minutos.
form-vote-failed = No pudimos recibir su voto. Intente otra vez en unos minutos.
form-vote-stored = Su voto anterior ya quedó guardado. Si quiere votar otra vez, envíe de nuevo.
form-honeypot = No escriba aquí
form-no-script = Para enviar este formulario active JavaScript: la campaña pide una comprobación contra programas automáticos. O acérquese al personal de la jornada.
form-agree = He leído el texto y estoy de acuerdo
form-send = Enviar
form-review-title = ¿Este documento es suyo?
form-review-explanation = Alguien lo envió antes con otros datos. Si es suyo, pida al personal que compare los dos envíos. Elija la foto otra vez si falta. Mientras no decidan, usted no queda registrado; recibe un número para consultar cómo va.
form-review-submit = Pedir una revisión
form-sending-title = Envío
form-progress = Avance del envío
form-try-now = Intentar ahora
form-back = Volver al formulario
form-photo-again = Si ya la había elegido, elíjala de nuevo: el navegador no la guarda.
form-take-photo = Tomar la foto
form-photo-preview = La foto que va a enviar
form-kept-until = Guardamos sus datos hasta el { $date }
form-photo-kept-too = ; su foto, hasta el { $date }
form-photo-kept-until = Guardamos su foto hasta el { $date }

## Problems of answers

answer-missing = Falta esta respuesta. Complétela.
answer-consent-missing = Para registrarse debe marcar la casilla de autorización.
answer-control-character = Contiene caracteres invisibles o de control. Bórrelo y escríbalo de nuevo.
answer-no-letter = Escriba al menos una letra o un número.
answer-not-a-document = Escriba el número del documento: de 4 a 20 números o letras, por ejemplo 1234567890.
answer-not-in-a-document = En el número de documento no puede estar el carácter { $character }. Escriba de 4 a 20 números o letras, por ejemplo 1234567890.
answer-not-an-option = Elija una de las opciones.
answer-unknown-field = Este formulario no pide este campo. Quítelo.
answer-not-an-object = No es un objeto JSON con los campos de la campaña.
answer-not-a-text = El valor debe ser un texto o un número.
answer-unreadable-text = El texto no se pudo leer: envíelo en UTF-8, o nombre su codificación en el charset de la parte.
answer-bad-key = La clave debe tener de 8 a 128 caracteres ASCII visibles.
answer-repeated = Este campo llegó más de una vez. Envíelo una sola vez.
answer-unknown-place = No está en la lista. Elija un nombre de la lista.
answer-too-short =
    { $min ->
        [one] Escriba al menos 1 letra.
       *[other] Escriba al menos { $min } letras.
    }
answer-too-long =
    { $max ->
        [one] Escriba como máximo 1 letra.
       *[other] Escriba como máximo { $max } letras.
    }
answer-similar-options = No es una de las opciones. ¿Quiso decir: { $names }?
answer-not-in-range = Escriba un número entero de { $min } a { $max }.
answer-similar-places = No está en la lista. ¿Quiso decir: { $names }?
answer-too-many-corrections = Este registro ya se corrigió { $max } veces, que es lo máximo.

## Problems of photos

photo-empty = El archivo está vacío. Escoja la foto otra vez o tómela desde esta página.
photo-too-large = La foto pesa más de 8 MiB. Tómela desde esta página o envíe una copia más pequeña.
photo-not-a-photo = El archivo no es una foto, aunque su nombre lo diga. Envíe una foto JPEG, PNG o WebP, o tómela desde esta página.
photo-svg = El archivo es un dibujo SVG, no una foto. Envíe una foto JPEG, PNG o WebP, o tómela desde esta página.
photo-heic = La foto está en formato HEIC, que no se puede recibir. Tómela desde esta página, o en el iPhone vaya a Ajustes > Cámara > Formatos, escoja «Más compatible» y tómela de nuevo.
photo-animated = La imagen tiene movimiento. Envíe una foto fija o tómela desde esta página.
photo-unsupported-jpeg = La foto es un JPEG de una clase que los navegadores no muestran. Guárdela como JPEG normal, envíe una captura de pantalla o tómela desde esta página.
photo-truncated = A la foto le falta una parte. Ábrala para ver si está completa, elija otra o tómela desde esta página.
photo-damaged = La foto está dañada. Ábrala para ver si se ve bien y envíela otra vez, o tómela desde esta página.
photo-unsupported-format = El archivo es de tipo { $name } y no se puede recibir. Envíe una foto JPEG, PNG o WebP, o tómela desde esta página.
photo-too-many-pixels = La foto mide { $width } × { $height } píxeles y el máximo es de 66 millones. Tómela desde esta página o envíe una más pequeña.

## Closed campaign

closed-ended = El registro ya cerró. Gracias a todas las personas que participaron.
closed-ended-votes = La votación ya cerró. Gracias a todas las personas que participaron.
closed-scheduled = El registro todavía no abre. Vuelva en la fecha de apertura.
closed-scheduled-votes = La votación todavía no abre. Vuelva en la fecha de apertura.

## Receipt

receipt-description = Comprobante de un registro recibido
receipt-title = Registro recibido
receipt-title-vote = Voto recibido
receipt-number = Su número
receipt-qr-code = Código QR que abre este comprobante
receipt-keep-it = Guarde este número o tome una foto de esta página: con él se encuentra su registro. El código QR vuelve a abrirla.
receipt-keep-it-vote = Con este número se comprueba que su voto quedó guardado. El código QR abre de nuevo esta página.
receipt-another = Hacer otro registro
review-title = Revisión de un documento
review-number = Número de la revisión
review-state = Estado
review-open = El personal no ha decidido todavía
review-not-kept = Decidido: queda el registro anterior
review-open-explanation = Usted no está registrado todavía. Guarde este número y vuelva a mirar esta página. Cuando el personal acepte lo que usted envió, esta página será su comprobante.
review-not-kept-explanation = Lo que usted envió no se aceptó, y se borraron sus respuestas y su foto. Si el documento es suyo, acérquese con él al personal de la jornada.
receipt-another-vote = Votar otra vez

## Start page

home-title = Campañas abiertas
docs-description = API HTTP de Jornada: registrar, votar y leer los totales desde otros programas.
home-description = Las campañas abiertas, con sus formularios y resultados.
home-register = Registrarse
home-vote = Votar

## Totals

chart-stale = Estos totales pueden no estar al día. Se actualizan solos apenas sea posible.
chart-total = Total de registros
chart-total-votes = Total de votos
chart-as-of = Actualizado:
chart-bar-registrations = registros
chart-bar-votes = votos
chart-no-match = Ninguno coincide con la búsqueda.
chart-others = Otros valores
chart-suppressed = Los valores con menos de { $min } registros no se muestran por separado y su suma se redondea hacia abajo, para que nadie pueda reconocer a una persona. El total puede no incluirlos.
chart-none-listed = Todavía no hay valores con { $min } registros o más.
chart-highest = Los más altos
chart-bars-description = Barras con los mismos números de la tabla
chart-share = Parte
results-title = Resultados
results-find = Buscar en las tablas
results-show = Ver
results-picture = Gráfica con los mismos números de la tabla.
results-table = Tabla
results-all = todos los valores
results-leader = El más alto
results-more = Busque para ver otros valores. Faltan aquí:
results-unknown = «{ $value }» no está en la lista. Se muestra el valor más alto.
results-per-minute = Votos por minuto
results-last-minute = En el último minuto:
results-most = más en un minuto de la última hora:
results-minute = Minuto
results-latest = Últimos votos
results-screen = Para pantalla grande
results-map = Mapa por { $field } con los mismos números de la tabla.
results-leads = El más alto en:
results-see = Ver los resultados

## Errors

error-no-such-page = Esta página no existe
error-method-not-allowed = Método no permitido
error-read-only = Esta dirección solo muestra
error-wrong-host = Este sitio no tiene ese nombre
error-no-such-campaign = Esta campaña no existe
error-no-such-value = No está en la lista
error-no-such-tally = No hay tal conteo
error-no-such-vote = No hay tal voto
error-invalid-query = La petición tiene parámetros que no se pueden usar
error-no-such-registration = No hay tal registro
error-no-such-report = No hay tal lista
error-not-open = La campaña no está abierta
error-other-kind = Esta campaña no es de ese tipo
error-vote-conflict = La clave ya se usó
error-too-many-votes = Son demasiados votos a la vez
error-invalid-answers = Hay respuestas por corregir
error-invalid-photo = La foto no sirve
error-already-registered = Ya está registrado
error-reviews-full = Ya hay otras revisiones pendientes
error-registration-removed = Este registro fue eliminado
error-too-large = La foto es demasiado grande
error-text-too-large = El texto es demasiado largo
error-unsupported-media-type = Formato no admitido
error-malformed = La solicitud no se entiende
error-timeout = Tardó demasiado en llegar
error-unavailable = Intente de nuevo en un momento
error-unauthorized = Solo para el personal
error-forbidden = No tiene permiso
error-old-form = El formulario venció
error-cross-site = El envío vino de otra página
error-stale-form = { error-old-form }
error-too-many-requests = Demasiados envíos seguidos
error-too-fast = Muy rápido
error-hidden-field = Se llenó un campo oculto
error-proof-of-work = Falta una comprobación
error-no-such-link = El enlace ya no sirve
error-internal = Algo falló
error-no-such-page-detail = Revise la dirección.
error-wrong-host-detail = Escriba la dirección como aparece en el anuncio o en su comprobante.
error-method-not-allowed-detail = Esta dirección no admite ese método.
error-read-only-detail = No se guardó nada. Regístrese o vote en la dirección de la campaña; esta solo muestra resultados.
error-no-such-campaign-detail = Revise la dirección: no hay una campaña con ese nombre.
error-other-kind-detail = Una campaña de votos recibe votos y una de registros recibe registros. Revise la dirección.
error-vote-conflict-detail = La clave (Idempotency-Key) ya se usó para otro voto, que quedó guardado. Use una clave nueva para cada voto.
error-too-many-votes-detail = Envíe de 1 a 10.000 votos y como máximo 4 MiB en cada solicitud, como lista JSON o un voto por línea.
error-no-such-value-detail = La campaña no tiene ese valor. Escríbalo como en la lista.
error-no-such-tally-detail = La campaña no tiene un conteo con ese nombre. Tiene estos: { $ids }.
error-no-such-vote-detail = La campaña no tiene un voto con ese identificador.
error-invalid-query-detail = Corrija los parámetros que nombran los errores y pida la lista otra vez.
error-no-such-report-detail = Las listas se guardan un día, y menos si un registro se corrige o elimina. Pídala otra vez.
error-no-such-registration-detail = Revise el número del comprobante.
error-invalid-answers-detail = No se guardó nada. Corrija los campos indicados y envíe de nuevo.
error-already-registered-by-key-detail = Este formulario ya se envió con otros datos, y esos datos quedaron registrados. Para registrar a otra persona abra un formulario nuevo.
error-already-registered-detail = Este documento ya se había enviado con otros datos. No se cambió nada. Si es suyo, pida una revisión al final del formulario, o avise al personal de la jornada.
error-reviews-full-detail = Ya hay tres envíos con este documento que esperan una revisión. No se guardó nada. Acérquese al personal de la jornada con su documento.
error-too-large-detail = La foto puede tener como máximo 8 MiB. Elija una más pequeña o tómela de nuevo.
error-text-too-large-detail = Los textos juntos pueden tener como máximo 64 KiB. Acórtelos.
error-unsupported-media-type-json-detail = Envíe multipart/form-data o application/json.
error-unsupported-media-type-votes-detail = Envíe application/json o application/x-ndjson.
error-unsupported-media-type-detail = Envíe multipart/form-data.
error-timeout-detail = La conexión es muy lenta. No se guardó nada; intente de nuevo.
error-unavailable-detail = Hay mucha gente o una parte del sistema no responde. Sus datos siguen en el formulario: envíelos de nuevo en unos segundos.
error-unauthorized-detail = Entre con su cuenta del personal (/staff/login) o envíe una clave que sirva.
error-unauthorized-votes-detail = Envíe una clave para votos: Authorization: Bearer CLAVE. El personal la crea en la página de claves.
error-forbidden-detail = Su cuenta o su clave no sirve para esto. Pídalo a la administración.
error-too-fast-detail = El formulario llegó antes de lo que tarda una persona. No se guardó nada: espere unos segundos y envíelo de nuevo.
error-hidden-field-detail = Algo en su navegador llenó un campo que las personas no ven. No se guardó nada. Ya lo vaciamos: revise sus respuestas y envíe de nuevo.
error-old-form-detail = Esta página llevaba demasiado tiempo abierta. No se guardó nada. Cárguela de nuevo, revise sus respuestas y envíelas.
error-proof-of-work-detail = Esta campaña pide a su navegador una comprobación contra programas automáticos, y para eso necesita JavaScript. Actívelo, cargue la página de nuevo y envíe; o acérquese al personal de la jornada. No se guardó nada.
error-cross-site-detail = No se guardó nada. Abra el formulario de este sitio y envíelo desde allí.
error-stale-form-detail = No se cambió nada. Abra la página de nuevo y repita el cambio.
error-no-such-link-detail = Sirve una sola vez y durante 48 horas. Pida otro a la administración.
error-internal-detail = Fue un error nuestro. Intente de nuevo; si sigue, avise con el número de solicitud.
error-registration-removed-detail = La administración lo eliminó. Motivo: { $reason }
error-malformed-detail = Revise la dirección y los datos que envía.
error-too-many-requests-detail =
    { $seconds ->
        [one] Desde su red llegaron muchas solicitudes. Espere 1 segundo e intente de nuevo.
       *[other] Desde su red llegaron muchas solicitudes. Espere { $seconds } segundos e intente de nuevo.
    }
error-not-open-votes-detail = Recibe votos desde { $opens } hasta { $closes }.
error-not-open-detail = Recibe registros desde { $opens } hasta { $closes }.

## Requests that cannot be read

malformed-host = La cabecera Host falta, está repetida o no es un nombre válido.
malformed-incomplete = El cuerpo multipart llegó incompleto o mal formado. No se guardó nada: envíelo de nuevo.
malformed-no-boundary = A la cabecera Content-Type le falta el separador (boundary) de multipart/form-data. No se guardó nada.
malformed-unnamed-part = Una parte del cuerpo no tiene nombre. Póngale el nombre de un campo. No se guardó nada.
malformed-too-many-parts = El cuerpo tiene más partes de las que pide cualquier formulario. No se guardó nada.
malformed-not-json = El cuerpo no es un objeto JSON. No se guardó nada.
malformed-not-json-array = El cuerpo no es una lista JSON. No se guardó nada.
malformed-json-value = Un valor del objeto JSON no es texto, número, verdadero o falso. No se guardó nada.
malformed-idempotency-key = La cabecera Idempotency-Key debe tener de 8 a 128 caracteres ASCII visibles. No se guardó nada.
malformed-form-key = El formulario llegó con un identificador que no es válido. No se guardó nada: cargue la página de nuevo.
malformed-second-factor-form = El formulario del segundo paso no es de esta cuenta o llegó cambiado. No se cambió nada: cargue la página de nuevo.
malformed-day = Escriba los días como AAAA-MM-DD, por ejemplo 2026-11-21.
malformed-day-order = El último día es anterior al primero. Cámbielos de orden.
malformed-separator = El separador es comma, semicolon o tab.
malformed-audit-filter = Un valor del filtro no se entiende. Vuelva a la página del registro y corrija el campo indicado.
vote-query-unknown-parameter = No existe ese parámetro. Use uno de estos: { $names }.
vote-query-time = Escriba la hora así: 2026-11-21, 2026-11-21T16:05 o 2026-11-21T21:05:00Z.
vote-query-reversed = El fin no es posterior al comienzo. Cámbielos de orden.
vote-query-position = Esto no es una posición. Tómela sin cambios de una respuesta anterior.

## Reports

report-column-receipt = Recibo
report-column-local-time = Recibido (hora local)
report-column-utc-time = Recibido (UTC)
report-column-photo = Foto
report-see-photo = Ver foto
report-count = Total
report-chart-description = Barras: los valores con más registros, los mismos números de la tabla.
report-list = Lista
report-other-values = Otros valores ({ $count })
report-rows = { $rows } filas, { $time }

## Problems of passwords

password-too-short = Use al menos 12 caracteres. Varias palabras sirven bien.
password-too-long = Es demasiado larga.
password-common = Esta contraseña es de las más comunes. Elija otra.
password-matches-email = No use su correo como contraseña.
password-mismatch = Las dos contraseñas no son iguales.

## Mails of the watcher

watch-mail-test = mensaje de prueba
watch-mail-all-down = NINGUNA instancia responde
watch-mail-cause-down = { $cause } no responde: ninguna instancia está lista
watch-mail-test-body = Si usted lee esto, los avisos de Jornada llegan. No tiene que hacer nada.
watch-mail-cut-off = Atención: tampoco responde el punto neutral. Puede que el vigilante mismo esté sin red y que el sistema funcione. Compruébelo desde otro lugar.
watch-mail-since = Desde
watch-mail-fell = Se cayó
watch-mail-address-removed = ya no se vigila: su dirección salió de la lista
watch-mail-note = Nota
watch-mail-what-was-seen = Qué se vio
watch-mail-address = Dirección
watch-mail-status = Estado
watch-mail-dashboard = Tablero
watch-mail-logs = Registros (logs)
watch-mail-raised =
    { $count ->
        [one] { $names } no responde ({ $left })
       *[other] { $names } no responden ({ $left })
    }
watch-mail-reminder =
    { $count ->
        [one] { $names } sigue sin responder ({ $left })
       *[other] { $names } siguen sin responder ({ $left })
    }
watch-mail-resolved = { $name } responde de nuevo tras { $duration }
watch-mail-all-resolved = { $names } responden de nuevo
watch-mail-left =
    { $up ->
        [one] queda 1 de { $all }
       *[other] quedan { $up } de { $all }
    }
watch-mail-instances =
    { $up ->
        [0] De { $all } instancias no responde ninguna: el sitio no atiende a nadie.
        [one] Ahora responde 1 de { $all } instancias.
       *[other] Ahora responden { $up } de { $all } instancias.
    }
watch-mail-refused =
    { $count ->
        [one] un buzón rechaza los avisos
       *[other] { $count } buzones rechazan los avisos
    }
watch-mail-refused-body = El servidor de correo rechazó los avisos para estas direcciones. Usted los sigue recibiendo. Corrija JORNADA_MAIL_TO (con init.sh: STACK_MAIL_TO) o haga reparar el buzón; el próximo aviso se intenta allí de nuevo.
watch-mail-server-said = Qué contestó el servidor
watch-mail-times = { $count } veces

## Results of probes

watch-result-healthy = responde
watch-result-refused = rechazó la conexión
watch-result-timed-out = no contestó a tiempo
watch-result-no-name = su nombre no lleva a ninguna dirección
watch-result-broken = la conexión se cortó o no hay camino
watch-result-draining = , está terminando
watch-result-status = contestó { $status }
watch-result-lacking = , le falta: { $names }

## Dependencies

watch-dependency-store = la base de datos
watch-dependency-photos = el depósito de fotos
watch-dependency-cache = Redis

## Page of the watcher

watch-lasted = Duración
watch-beginning = Empezando a mirar
watch-all-answer = Todas las instancias responden
watch-coming-back = volviendo
watch-goes-on = sigue
watch-title = Vigilancia
watch-watcher = Vigilante
watch-maintenance-until = Mantenimiento planeado hasta
watch-no-notices = No se envían avisos de caída.
watch-unsent = Avisos por enviar:
watch-another-sends = los envía otro vigilante
watch-refused-recipients = El servidor de correo rechaza a estos destinatarios:
watch-refused-answer = { $code } a { $step }
watch-refused-delay = cinco días sin recibir el aviso
watch-incidents = Incidentes
watch-none = Ninguno.
watch-what-and-since = Qué y desde cuándo
watch-metrics = Métricas
watch-some-answer = Responden { $up } de { $all } instancias
watch-down = CAÍDA: { $result }

## Staff area

staff-account-wrong-password = La contraseña actual no es correcta.
staff-account-wrong-code = El código no es correcto, o ya se usó. Espere el siguiente.
staff-notice-account-password = La contraseña cambió. Las demás sesiones se cerraron.
staff-notice-account-session = La sesión se cerró.
staff-notice-account-second = El segundo paso quedó activo. Desde ahora se le pedirá un código al entrar.
staff-notice-account-second-off = El segundo paso quedó inactivo.
staff-account-not-yourself = No puede cerrar su propia cuenta ni cambiar su propio papel. Pídalo a otra persona de administración.
staff-notice-account-detail-role = El cambio quedó guardado.
staff-notice-account-detail-sessions = Se cerraron todas sus sesiones.
staff-notice-account-detail-closed = La cuenta quedó cerrada.
staff-accounts-choose-role = Elija un papel.
staff-accounts-check-address = Revise el correo.
staff-accounts-already-there = Ya hay una cuenta con este correo.
staff-closed = Cerrada
staff-accounts-invited = Invitada
staff-accounts-active = Activa
staff-audit-nobody-known = Nadie que se conozca
staff-audit-command-line = La línea de comandos
staff-audit-system = El sistema
staff-notice-closure-closed = La campaña está cerrada.
staff-notice-closure-reopened = La campaña está abierta de nuevo.
staff-reason = Motivo
staff-correct-not-yours = No es de las suyas. Pida este cambio a la administración.
staff-delete-meanwhile = Alguien corrigió este registro mientras tanto. No se eliminó nada. Revise cómo quedó y confirme de nuevo.
staff-delete-tick = Marque la casilla si de verdad quiere eliminarlo.
staff-delete-choose-cause = Elija por qué se elimina: de eso depende si el número se puede registrar otra vez.
staff-role-viewer = Solo totales
staff-role-clerk = Oficina
staff-role-admin = Administración
staff-job-queued = En espera
staff-job-running = En preparación
staff-job-done = Lista
staff-job-failed = Falló
staff-job-cancelled = Cancelada
staff-job-counting = Contando…
staff-job-saving = Guardando el archivo…
staff-job-failed-detail = No se pudo hacer la lista. Pídala otra vez.
staff-login-wrong = El correo, la contraseña o el código no son correctos.
staff-notice-login-out = Salió de su cuenta.
staff-notice-login-everywhere = Se cerraron todas sus sesiones. Entre de nuevo.
staff-notice-login-password = La contraseña quedó guardada. Ya puede entrar.
staff-overview-scheduled = Todavía no abre
staff-overview-open = Abierta
staff-overview-closed = Cerrada por la administración
staff-overview-ended = Terminó
staff-rejection-missing = Faltaba una respuesta
staff-rejection-consent-missing = Sin autorización
staff-rejection-too-short = Texto demasiado corto
staff-rejection-too-long = Texto demasiado largo
staff-rejection-control-character = Caracteres invisibles
staff-rejection-no-letter = Sin letras ni números
staff-rejection-not-a-document = Documento mal escrito
staff-rejection-unknown-place = Lugar fuera de la lista
staff-rejection-not-an-option = Opción que no existe
staff-rejection-not-in-range = Número fuera del rango
staff-rejection-not-asked = Campo que no se pide
staff-rejection-unreadable = Envío que no se pudo leer
staff-rejection-repeated = Campo repetido
staff-rejection-photo = La foto no servía
staff-rejection-not-open = Fuera de fecha
staff-rejection-already-registered = Ya estaba registrado
staff-rejection-deleted = Estaba eliminado
staff-overview-other-reason = Otro motivo
staff-rejection-too-often = { staff-overview-other-reason }
staff-notice-registration-corrected = La corrección quedó guardada.
staff-notice-registration-same = No cambió nada: todo estaba ya así.
staff-registration-you = Usted
staff-registration-somebody-else = Otra persona del personal
staff-reports-too-many-live = Ya tiene varias listas en preparación. Espere a que terminen, o cancele alguna.
staff-reports-too-many-stored = Ya tiene 200 listas. Cada una se borra un día después de hecha: pida otra cuando se borre la primera.
staff-reports-choose-value = Elija de qué es la lista.
staff-reports-choose-format = Elija un formato.
staff-reports-check-dates = Revise las fechas: año-mes-día, como 2026-11-21.
staff-reports-dates-reversed = La primera fecha es posterior a la última.
staff-search-wrong-date = Escriba la fecha así: 2026-11-25.
staff-search-dates-reversed = Es anterior a la primera fecha.
staff-search-too-short = Escriba al menos dos letras del nombre, un documento completo o el número del comprobante.
staff-notice-tokens-revoked = La clave ya no sirve.
staff-tokens-scope-reports = listas
staff-tokens-scope-totals = totales
staff-tokens-scope-votes = votos
staff-tokens-scope-read-votes = lectura de votos
staff-tokens-revoked = revocada
staff-tokens-no-date = sin fecha
staff-tokens-expired = vencida
staff-totp-wrong-code = El código no es correcto. Revise que la hora del teléfono sea automática.
staff-my-account = Mi cuenta
staff-mail-address = Correo
staff-role = Papel
staff-account-only = Solo
staff-account-change-password = Cambiar la contraseña
staff-current-password = Contraseña actual
staff-account-change = Cambiar
staff-second-step-at-login = Segundo paso al entrar
staff-account-second-step-is-off = Inactivo. Con él, además de la contraseña se pide un código de una aplicación del teléfono.
staff-account-switch-on = Activar el segundo paso
staff-account-second-step-required = Activo. Para administración es obligatorio.
staff-account-second-step-is-on = Activo.
staff-code = Código
staff-account-switch-off = Desactivar
staff-account-sessions = Sesiones abiertas
staff-account-logged-in = Entró
staff-account-last-seen = Última vez
staff-account-end = Cerrar
staff-account-this-session = (esta)
staff-account-log-out-everywhere = Salir en todas partes
staff-account-is-closed = La cuenta está cerrada. Para abrirla, agréguela de nuevo con el mismo correo.
staff-account-role-and-cities = Papel y ciudades
staff-save = Guardar
staff-account-new-link = Enlace nuevo
staff-account-new-link-hint = Para quien perdió la contraseña o el enlace.
staff-account-lost-phone = También perdió el teléfono: desactivar el segundo paso
staff-account-make-link = Crear enlace
staff-account-close = Cerrar
staff-account-end-sessions = Cerrar sus sesiones
staff-account-close-account = Cerrar la cuenta
staff-accounts = Cuentas
staff-accounts-all = Todas las cuentas
staff-cities = Ciudades
staff-state = Estado
staff-second-step = Segundo paso
staff-all-cities = Todas
staff-accounts-yes = Sí
staff-accounts-no = No
staff-accounts-add-title = Agregar una cuenta
staff-accounts-add = Agregar
staff-no-answer = Sin respuesta
staff-answers-consent = Texto que aceptó (versión)
staff-answers-photo-erased = Foto borrada al cumplirse su plazo
staff-audit = Auditoría
staff-audit-title = Quién vio qué
staff-audit-filter = Filtro
staff-audit-who = Quién
staff-audit-anyone = Cualquiera
staff-audit-what-they-did = Qué hizo
staff-audit-anything = Cualquier cosa
staff-audit-campaign = Campaña
staff-audit-any-campaign = Cualquiera
staff-audit-subject = Registro, cuenta o clave
staff-audit-subject-hint = Su identificador, nunca un nombre o documento; para una clave, token: y su nombre.
staff-audit-from-day = Desde el día
staff-audit-until-day = Hasta el día
staff-audit-show = Mostrar
staff-audit-newest-first = Lo más reciente primero
staff-audit-nothing = No hay nada que mostrar.
staff-audit-when = Cuándo
staff-audit-to-what = A qué
staff-audit-more = Más
staff-from = Desde
staff-audit-request = Solicitud
staff-audit-unreadable = Esta línea no se puede leer: la escribió una versión posterior, o alguien la cambió.
staff-audit-newest = Lo más reciente
staff-audit-older = Más antiguo
staff-audit-export = Descargar como CSV
staff-close-title = Cerrar o abrir la campaña
staff-close-is-closed = Nadie puede registrarse. Al abrirla de nuevo se reciben registros hasta la fecha de cierre.
staff-close-is-closed-votes = Nadie puede votar. Al abrirla de nuevo se reciben votos hasta la fecha de cierre.
staff-close-is-over = La campaña ya terminó.
staff-close-explanation = Al cerrarla, nadie puede registrarse, en ninguna parte, desde un segundo después. Lo registrado sigue.
staff-close-explanation-votes = Al cerrarla, nadie puede votar, en ninguna parte, desde un segundo después. Los votos recibidos siguen.
staff-close-reason-hint = Queda en la auditoría, con su nombre.
staff-close-close = Cerrar la campaña
staff-close-reopen = Abrir de nuevo
staff-correct-title = Corregir el registro
staff-correct-not-saved = No se guardó
staff-correct-meanwhile = Otra persona corrigió este registro mientras usted escribía. Lo que usted escribió sigue abajo, y junto a cada respuesta está lo que hay ahora. Revise y guarde de nuevo.
staff-correct-document-taken = Ese documento ya es de otro registro. Búsquelo antes de cambiar nada.
staff-correct-too-many-documents = Este registro ya tuvo otros cinco documentos. Elimínelo por falso si no es de nadie.
staff-correct-back = Volver sin guardar
staff-correct-now = Ahora dice:
staff-no-answer-inline = sin respuesta
staff-correct-reason = Motivo de la corrección
staff-correct-reason-hint = Queda con el registro, junto a lo que decía antes. No escriba aquí datos de la persona.
staff-correct-save = Guardar la corrección
staff-delete-title = Eliminar el registro
staff-delete-back = Volver sin eliminar
staff-delete-explanation = Se borran las respuestas y la foto, y no hay vuelta atrás. Los totales bajan.
staff-delete-cause = ¿Por qué se elimina?
staff-delete-requested = La persona lo pidió
staff-delete-requested-hint = Nadie podrá registrarse más con este documento, a no ser que la administración lo libere.
staff-delete-false = Es falso: lo envió otra persona, o no es de nadie
staff-delete-false-hint = El documento queda libre. Solo se siguen rechazando exactamente las mismas respuestas con la misma foto.
staff-delete-reason-hint = Es lo único que queda. No escriba aquí datos de la persona.
staff-delete-confirm = Sí, quiero eliminar este registro
staff-delete-submit = Eliminar para siempre
staff-deleted-at = Eliminado
staff-deleted-requested = La persona lo pidió: su documento no se puede registrar otra vez.
staff-deleted-false = Era falso: su documento se puede registrar otra vez.
staff-deleted-lifted = La administración liberó su documento: se puede registrar otra vez.
staff-lift-title = Liberar el documento
staff-lift-explanation = Hágalo solo si la persona de este documento quiere registrarse otra vez. Las respuestas no vuelven.
staff-lift-reason-hint = Queda en la auditoría. No escriba aquí datos de la persona.
staff-lift-submit = Liberar el documento
staff-reviews = Revisiones
staff-reviews-explanation = Estas personas enviaron un documento que alguien había enviado antes. No cuentan en ninguna parte hasta que usted decida.
staff-reviews-none = Nadie espera una revisión.
staff-reviews-number = Revisión
staff-reviews-place = Enviado para
staff-reviews-rival = Contra
staff-review-title = Comparar dos envíos
staff-review-disputed = Pide una revisión
staff-review-registered = Registrado antes
staff-review-question = ¿Cuál queda?
staff-review-keep-disputed = El que pide la revisión
staff-review-keep-disputed-hint = Queda registrado. El registrado antes se elimina por falso, con su foto.
staff-review-keep-registered = El registrado antes
staff-review-keep-registered-hint = El otro se borra, con su foto. Su página dice que no se aceptó.
staff-review-submit = Decidir
staff-review-choose = Elija cuál queda.
staff-review-meanwhile = Alguien cambió uno de los dos mientras tanto. No se decidió nada. Revise cómo quedaron y decida de nuevo.
staff-review-only-admins = La persona de este documento había pedido que se borrara su registro: solo la administración puede registrarlo otra vez.
staff-review-nobody = Nadie tiene ya este documento. Si acepta este envío, queda registrado.
staff-review-former = El registro anterior tiene ahora otro documento. Si acepta este envío, quedan los dos.
staff-review-deleted = El registro con este documento se eliminó porque la persona lo pidió. Solo la administración puede aceptar este envío.
staff-history-title = Correcciones
staff-history-reason = Motivo:
staff-job-title = Lista
staff-job-rows-done = Filas hechas
staff-job-cancel = Cancelar
staff-job-download = Descargar
staff-job-kept-until = Se guarda hasta:
staff-job-all-reports = Todas mis listas
staff-job-refresh = Actualizar esta página
staff-area = Personal
staff-overview = Resumen
staff-tokens = Claves
staff-log-out = Salir
staff-link = Enlace
staff-link-title = Enlace para elegir contraseña
staff-link-explanation = Envíelo a esta persona por un medio seguro. Sirve una sola vez, durante 48 horas, y no se muestra de nuevo.
staff-login-title = Entrar
staff-login-intro = Para el personal de la jornada.
staff-login-password = Contraseña
staff-login-code-hint = (si activó el segundo paso)
staff-overview-as-of = Números de las
staff-overview-today = Hoy
staff-overview-in-all = En total
staff-search-registrations = Buscar registros
staff-votes = Votos
staff-votes-filters = Filtros
staff-votes-any = Cualquiera
staff-votes-door = Entró por
staff-votes-instance = Instancia
staff-votes-newest-first = Los más recientes primero
staff-votes-refresh = Actualizar
staff-votes-newest = A los más recientes
staff-votes-pause = Pausar
staff-votes-resume = Seguir
staff-votes-live = Los votos nuevos aparecen solos.
staff-votes-paused = En pausa: no aparecen votos nuevos.
staff-votes-failed = Los votos nuevos no se pueden cargar ahora; se intenta otra vez.
staff-votes-nothing = Ningún voto corresponde.
staff-votes-nothing-yet = Ninguno de los últimos votos revisados corresponde. Siga buscando en los anteriores.
staff-votes-older = Votos anteriores
staff-votes-search-on = Seguir buscando en votos anteriores
staff-vote = Voto
staff-vote-id = Identificador
staff-vote-queue-place = Lugar en la cola
staff-vote-stored = Guardado
staff-vote-delay = { $milliseconds } ms después de recibirlo
staff-vote-unknown = no se sabe
staff-dead-letters = Registros que no pudieron ser votos
staff-dead-letters-short = Descartados de la cola
staff-dead-letters-intro = Registros de la cola, los más recientes primero, con el motivo. No detienen a ningún otro.
staff-dead-letters-none = No hay ninguno.
staff-dead-letter = Registro que no pudo ser voto
staff-dead-letter-read = Leído
staff-dead-letter-campaign = Campaña
staff-dead-letter-content = Contenido
staff-dead-letter-bytes = Bytes
staff-dead-letter-cut = solo se guardó el comienzo; no se puede volver a procesar
staff-dead-letter-replay-hint = Al volver a procesarlo se juzga el registro con las campañas de ahora. Si es un voto, se guarda una sola vez.
staff-dead-letter-replay = Volver a procesar
staff-dead-letter-confirm = Quiero descartar este registro para siempre.
staff-dead-letter-drop = Descartar
staff-dead-letter-refused = Sigue sin poder ser un voto, por el motivo que se indica abajo.
staff-dead-letter-tick = Marque la casilla para descartar el registro.
staff-notice-dead-letters-replayed = El registro se guardó como voto.
staff-notice-dead-letters-dropped = El registro se descartó.
staff-dead-letter-reason-no-id = No tiene clave
staff-dead-letter-reason-bad-id = Su clave tiene otra forma
staff-dead-letter-reason-not-json = No es un objeto JSON
staff-dead-letter-reason-no-campaign = No nombra ninguna campaña
staff-dead-letter-reason-unknown-campaign = No hay una campaña con ese nombre
staff-dead-letter-reason-other-kind = Su campaña recibe registros
staff-dead-letter-reason-closed = Su campaña no estaba abierta
staff-dead-letter-reason-invalid = Sus respuestas tienen errores
staff-dead-letter-reason-conflict = Otro voto tiene su identificador
staff-dead-letter-reason-too-large = Es demasiado grande
staff-dead-letter-reason-refused = El almacén no lo acepta
staff-reports = Listas
staff-overview-live-totals = Totales en vivo
staff-overview-form = Formulario
staff-overview-close-or-open = Cerrar o abrir
staff-overview-days = Últimos 14 días
staff-overview-day = Día
staff-overview-highest = Los más altos
staff-overview-peak = El máximo fue el { $day }: { $count }
staff-overview-table = En una tabla
staff-overview-old = Este conteo es viejo y uno nuevo tarda. Vuelva a cargar la página en un momento.
staff-overview-rate = Votos por minuto ahora
staff-overview-hour = Votos en la última hora
staff-overview-unknown = no se sabe
staff-overview-doors = Entradas de los últimos { $count } votos
staff-overview-queue = Cola de votos
staff-overview-lag = Votos en espera
staff-overview-oldest = Segundos de espera del más viejo
staff-overview-consumers = Consumidores
staff-overview-no-queue = No hay cola: los votos se guardan de inmediato.
staff-overview-of = (de { $count })
staff-overview-rejected = No recibidos, por motivo
staff-overview-times = Veces
staff-overview-none-rejected = Ninguno en 14 días.
staff-password-title = Elegir contraseña
staff-password-new = Contraseña nueva
staff-password-hint = Al menos 12 caracteres. Varias palabras sirven bien.
staff-password-again = La misma otra vez
staff-registration = Registro
staff-registration-photo = Foto del documento
staff-print-back = Volver al registro
staff-registration-correct = Corregir
staff-registration-print = Para imprimir
staff-registration-delete = Eliminar
staff-registration-photo-hint = Solo para el personal. Cada vez que se abre queda anotado.
staff-reports-all-registrations = Todos los registros
staff-reports-from = Desde el día
staff-reports-until = Hasta el día, incluido
staff-reports-format = Formato
staff-reports-format-hint = Para una hoja de cálculo, Excel: un CSV pierde allí los ceros a la izquierda y los dígitos después del quince. El CSV es para programas.
staff-reports-submit = Pedir la lista
staff-reports-mine = Mis listas
staff-reports-none = Todavía no ha pedido ninguna.
staff-reports-kept = Se guardan un día, y menos si un registro se corrige o elimina.
staff-reports-file = Archivo
staff-reports-requested = Pedida
staff-reports-rows = Filas
staff-only-these-cities = Solo estas ciudades
staff-role-cities-hint = Para oficina. Una por línea; vacío: todas.
staff-notice-search-deleted = El registro quedó eliminado.
staff-notice-search-lifted = El documento se puede registrar otra vez.
staff-notice-reviews-decided = La revisión quedó decidida.
staff-search-text = Nombre, documento o número de comprobante
staff-search-text-hint = Basta el comienzo de uno o varios nombres o apellidos, en cualquier orden. Vacío: los más recientes.
staff-search-results = Resultados
staff-search-nothing = Nada coincide. Revise lo escrito, o busque con menos letras.
staff-search-on-this-page = { $count } en esta página.
staff-search-pages = Páginas de resultados
staff-search-start = Al comienzo
staff-search-next = Página siguiente
staff-token = Clave
staff-token-new = Clave nueva
staff-token-copy = Cópiela ahora: no se muestra de nuevo.
staff-tokens-for = Para
staff-tokens-title = Claves para programas
staff-tokens-all = Todas las claves
staff-tokens-name = Nombre
staff-tokens-revoke = Revocar
staff-tokens-make-title = Crear una clave
staff-tokens-purpose = Para qué
staff-tokens-purpose-hint = El programa o la oficina, sin nombres de personas: queda en la auditoría.
staff-tokens-reports-and-photos = Listas y sus fotos
staff-tokens-votes = Enviar votos
staff-tokens-read-votes = Leer votos uno por uno
staff-tokens-cities-hint = Una por línea; vacío: todas.
staff-tokens-good-for = Sirve durante
staff-tokens-days =
    { $count ->
        [one] { $count } día
       *[other] { $count } días
    }
staff-tokens-make = Crear
staff-totp-is-on = Ya está activo.
staff-totp-required = Para administración es obligatorio: actívelo para seguir.
staff-totp-step-app = Abra en su teléfono una aplicación de códigos (por ejemplo Aegis, FreeOTP o Google Authenticator).
staff-totp-step-read = Lea con ella este código QR, o copie la clave de abajo.
staff-totp-step-write = Escriba aquí el código de 6 dígitos que muestra, y su contraseña.
staff-totp-qr-code = Código QR para la aplicación
staff-totp-key = Clave:
staff-totp-switch-on = Activar
staff-action-login = { staff-account-logged-in }
staff-action-login-failed = No pudo entrar
staff-action-login-slowed = Debió esperar para entrar
staff-action-logout = Salió
staff-action-password-set = Puso una contraseña con un enlace
staff-action-password-changed = Cambió su contraseña
staff-action-second-on = Activó el segundo paso
staff-action-second-off = Desactivó el segundo paso
staff-action-session-ended = Cerró una sesión
staff-action-sessions-ended = Cerró todas las sesiones
staff-action-account-added = Agregó una cuenta
staff-action-account-changed = Cambió una cuenta
staff-action-account-link = Creó un enlace de contraseña
staff-action-account-closed = Cerró una cuenta
staff-action-token-made = Creó una clave
staff-action-token-revoked = Revocó una clave
staff-action-search = Buscó registros
staff-action-look = Vio un registro
staff-action-photo = Vio una foto
staff-action-print = Imprimió un registro
staff-action-correct = Corrigió un registro
staff-action-delete = Borró un registro
staff-action-lift = Liberó el documento de un registro borrado
staff-action-review-list = Miró la lista de revisiones
staff-action-review-look = Comparó dos envíos de un documento
staff-action-review-decided = Decidió una revisión
staff-action-report = Pidió una lista
staff-action-report-file = Descargó una lista
staff-action-close = Cerró una campaña
staff-action-reopen = Reabrió una campaña
staff-action-audit-read = Leyó la auditoría
staff-action-audit-export = Descargó la auditoría
staff-action-refused = Pidió algo que no le corresponde
staff-action-person-export = Sacó todo lo de una persona
staff-action-photos-erased = Borró fotos vencidas
staff-action-sweep = Borró lo vencido
staff-action-photo-altered = Encontró una foto alterada
staff-action-report-altered = Encontró una lista alterada
staff-action-report-cancelled = Canceló una lista
staff-action-votes-exported = Sacó todos los votos
staff-action-votes-imported = Importó votos de un archivo
staff-action-votes-erased = Borró todos los votos
staff-action-votes-read = Leyó votos uno por uno
staff-action-dead-letters-read = Leyó registros de la cola que no pudieron ser votos
staff-action-dead-letters-replayed = Volvió a procesar registros de la cola que no pudieron ser votos
staff-action-dead-letters-dropped = Descartó registros de la cola que no pudieron ser votos
staff-action-backup = Hizo una copia de seguridad de todo
staff-action-restore = Restauró todo de una copia de seguridad
staff-audit-wrong-actor = Elija quién de la lista.
staff-audit-wrong-action = Elija qué de la lista.
staff-audit-wrong-campaign = Elija una campaña de la lista.
staff-audit-wrong-subject = Escriba el identificador de un registro o de una cuenta, o token: y el nombre de una clave.
staff-audit-wrong-date = Escriba las fechas como 2026-11-21.
staff-audit-wrong-position = Vuelva a la primera página.
staff-tokens-name-missing = Escriba para quién o qué es la clave.
staff-tokens-scope-missing = Elija para qué sirve la clave.
staff-tokens-days-missing = Elija hasta cuándo sirve.
staff-tokens-votes-have-no-cities = Una clave para votos no se puede limitar a ciudades.
staff-job-one-row = Lista: 1 fila
staff-search-found =
    { $count ->
        [one] Un registro.
       *[other] { $count } registros.
    }
staff-job-rows = { $rows } de { $of } filas
staff-job-ready = Lista: { $rows } filas
staff-accounts-place-unknown = Ninguna campaña tiene el lugar «{ $name }».
staff-accounts-place-similar = Ninguna campaña tiene el lugar «{ $name }». ¿Quiso decir: { $names }?
staff-too-many-attempts =
    { $seconds ->
        [one] Demasiados intentos. Espere 1 segundo e intente de nuevo.
       *[other] Demasiados intentos. Espere { $seconds } segundos e intente de nuevo.
    }
