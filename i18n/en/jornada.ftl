## Every page

page-skip-to-content = Skip to content
page-other-language = Español

## Several pages

common-all = All
common-totals = Totals
common-until = Until
common-no-registrations = There are no registrations yet.
common-no-votes = There are no votes yet.
common-search = Search
common-registrations = Registrations
common-votes = Votes
common-go-to-form = Go to the form
common-opens = Opens
common-closes = Closes
common-see-totals = See the totals
common-problem = There is a problem
common-optional = (optional)
common-choose = Choose…
common-receipt = Receipt
common-received = Received
common-print = Print
common-what = What

## Form

form-consent = Consent
form-proving = Checking that this is no automatic program…
form-preparing-photo = Preparing the photo…
form-sending = Sending your registration…
form-vote-sending = Sending your vote…
form-received = Received. Opening your receipt…
form-offline = No connection. Your registration will be sent by itself as soon as it is back. Do not close this page.
form-vote-offline = No connection. Your vote will be sent by itself as soon as it is back. Do not close this page.
form-slow = The connection is slow: a smaller photo is being sent. Do not close this page.
form-busy = The server is busy. Your registration will be sent by itself in a moment. Do not close this page.
form-vote-busy = The server is busy. Your vote will be sent by itself in a moment. Do not close this page.
form-photo-unreadable = The photo cannot be read any more: it was changed, moved or deleted, or it is not on this device. Choose the photo again.
form-photo-lost = Your registration was not sent completely. Choose the photo again and send it once more: it will not be taken twice.
form-failed = We could not take your registration. Try again in a few minutes.
form-vote-failed = We could not take your vote. Try again in a few minutes.
form-vote-stored = Your earlier vote is stored. To vote again, send once more.
form-honeypot = Do not write here
form-no-script = Turn JavaScript on to send this form: the campaign asks for a check against automatic programs. Or ask the staff.
form-agree = I have read the text and I agree
form-send = Send
form-review-title = Is this document yours?
form-review-explanation = Somebody sent it before with other answers. If it is yours, ask the staff to compare both. Choose the photo again if it is missing. Until they decide you are not registered; you get a number to look up how it stands.
form-review-submit = Ask for a review
form-sending-title = Sending
form-progress = Progress of sending
form-try-now = Try now
form-back = Back to the form
form-photo-again = If you had chosen it, choose it again: the browser does not keep it.
form-take-photo = Take the photo
form-photo-preview = The photo that you are about to send
form-kept-until = We keep your data until { $date }
form-photo-kept-too = ; your photo, until { $date }
form-photo-kept-until = We keep your photo until { $date }

## Problems of answers

answer-missing = This answer is missing. Please fill it in.
answer-consent-missing = To register you must tick the consent box.
answer-control-character = It has invisible or control characters. Delete it and type it again.
answer-no-letter = Write at least one letter or digit.
answer-not-a-document = Write the document number: 4 to 20 digits or letters, for example 1234567890.
answer-not-in-a-document = A document number cannot have the character { $character }. Write 4 to 20 digits or letters, for example 1234567890.
answer-not-an-option = Choose one of the options.
answer-unknown-field = This form does not ask for this field. Remove it.
answer-not-an-object = It is not a JSON object with the fields of the campaign.
answer-not-a-text = The value must be a text or a number.
answer-unreadable-text = The text could not be read: send it in UTF-8, or name its encoding in the charset of the part.
answer-bad-key = The key must have 8 to 128 visible ASCII characters.
answer-repeated = This field came more than once. Send it once.
answer-unknown-place = It is not in the list. Choose a name from the list.
answer-too-short =
    { $min ->
        [one] Write at least 1 letter.
       *[other] Write at least { $min } letters.
    }
answer-too-long =
    { $max ->
        [one] Write at most 1 letter.
       *[other] Write at most { $max } letters.
    }
answer-similar-options = It is not one of the options. Did you mean: { $names }?
answer-not-in-range = Write a whole number from { $min } to { $max }.
answer-similar-places = It is not in the list. Did you mean: { $names }?
answer-too-many-corrections = This registration was corrected { $max } times, which is the most.

## Problems of photos

photo-empty = The file is empty. Choose the photo again or take it from this page.
photo-too-large = The photo has more than 8 MiB. Take it from this page or send a smaller copy.
photo-not-a-photo = The file is not a photo, whatever its name says. Send a JPEG, PNG or WebP photo, or take one from this page.
photo-svg = The file is an SVG drawing, not a photo. Send a JPEG, PNG or WebP photo, or take one from this page.
photo-heic = The photo is in HEIC format, which cannot be taken. Take it from this page, or on the iPhone go to Settings > Camera > Formats, choose “Most Compatible” and take it again.
photo-animated = The picture moves. Send a still photo or take it from this page.
photo-unsupported-jpeg = The photo is a JPEG of a kind that browsers do not show. Save it as an ordinary JPEG, send a screenshot of it, or take it from this page.
photo-truncated = A part of the photo is missing. Open it to see whether it is whole, choose another one, or take it from this page.
photo-damaged = The photo is damaged. Open it to see whether it looks right and send it again, or take it from this page.
photo-unsupported-format = The file is of type { $name }, which cannot be taken. Send a JPEG, PNG or WebP photo, or take one from this page.
photo-too-many-pixels = The photo measures { $width } × { $height } pixels; at most 66 million are taken. Take it from this page or send a smaller one.

## Closed campaign

closed-ended = Registration is closed. Thanks to everyone who took part.
closed-ended-votes = Voting is closed. Thanks to everyone who took part.
closed-scheduled = Registration is not open yet. Come back when it opens.
closed-scheduled-votes = Voting is not open yet. Come back when it opens.

## Receipt

receipt-description = Receipt of what was received
receipt-title = Registration received
receipt-title-vote = Vote received
receipt-number = Your number
receipt-qr-code = QR code that opens this receipt
receipt-keep-it = Keep this number or take a picture of this page: your registration is found by it. The QR code opens the page again.
receipt-keep-it-vote = This number shows that your vote is stored. The QR code opens this page again.
receipt-another = Make another registration
review-title = Review of a document
review-number = Number of the review
review-state = State
review-open = The staff have not decided yet
review-not-kept = Decided: the earlier registration stays
review-open-explanation = You are not registered yet. Keep this number and look at this page again. Once the staff keep what you sent, this page is your receipt.
review-not-kept-explanation = What you sent was not kept, and your answers and photo were removed. If the document is yours, go to the staff with it.
receipt-another-vote = Vote again

## Start page

home-title = Open campaigns
docs-description = HTTP API of Jornada: register, vote and read totals from other programs.
home-description = The open campaigns, with their forms and results.
home-register = Register
home-vote = Vote

## Totals

chart-stale = These totals may be out of date. They are updated by themselves as soon as possible.
chart-total = Total of registrations
chart-total-votes = Total of votes
chart-as-of = As of:
chart-bar-registrations = registrations
chart-bar-votes = votes
chart-no-match = None matches the search.
chart-others = Other values
chart-suppressed = Values with fewer than { $min } registrations are not shown on their own, and their sum is rounded down, so that nobody can recognise a person. The total may leave them out.
chart-none-listed = No value has { $min } registrations or more yet.
chart-highest = The highest
chart-bars-description = Bars with the same numbers as the table
chart-share = Share
results-title = Results
results-find = Search the tables
results-show = Show
results-picture = Picture with the same numbers as the table.
results-table = Table
results-all = all values
results-leader = Highest
results-more = Search to see other values. Not listed here:
results-unknown = “{ $value }” is not in the list. The highest value is shown.
results-per-minute = Votes per minute
results-last-minute = In the last minute:
results-most = most in a minute of the last hour:
results-minute = Minute
results-latest = Latest votes
results-screen = For a large screen
results-map = Map by { $field } with the same numbers as the table.
results-leads = Highest in:
results-see = See the results

## Errors

error-no-such-page = This page does not exist
error-method-not-allowed = Method not allowed
error-read-only = This address only shows
error-wrong-host = This site has not that name
error-no-such-campaign = This campaign does not exist
error-no-such-value = It is not in the list
error-no-such-tally = There is no such tally
error-no-such-vote = There is no such vote
error-invalid-query = The request has parameters that cannot be used
error-no-such-registration = There is no such registration
error-no-such-report = There is no such report
error-not-open = The campaign is not open
error-other-kind = This campaign is not of that kind
error-vote-conflict = The key was used before
error-too-many-votes = These are too many votes at once
error-invalid-answers = Some answers need mending
error-invalid-photo = The photo cannot be used
error-already-registered = Already registered
error-reviews-full = Others wait for a review
error-registration-removed = This registration was deleted
error-too-large = The photo is too large
error-text-too-large = The text is too long
error-unsupported-media-type = Unsupported media type
error-malformed = The request cannot be read
error-timeout = It took too long to arrive
error-unavailable = Try again in a moment
error-unauthorized = Staff only
error-forbidden = Not allowed
error-old-form = The form is too old
error-cross-site = Another page sent this
error-stale-form = { error-old-form }
error-too-many-requests = Too many requests in a row
error-too-fast = Too fast
error-hidden-field = A hidden field was filled in
error-proof-of-work = A check is missing
error-no-such-link = The link is no good any more
error-internal = Something failed
error-no-such-page-detail = Check the address.
error-wrong-host-detail = Type the address as it stands in the announcement or on your receipt.
error-method-not-allowed-detail = This address does not take that method.
error-read-only-detail = Nothing was kept. Register or vote at the address of the campaign; this one shows results only.
error-no-such-campaign-detail = Check the address: there is no campaign of that name.
error-other-kind-detail = A campaign of votes takes in votes, and one of registrations takes in registrations. Check the address.
error-vote-conflict-detail = The key (Idempotency-Key) was used for another vote, which is stored. Use a new key for each vote.
error-too-many-votes-detail = Send 1 to 10,000 votes and at most 4 MiB in one request, as a JSON array or one vote a line.
error-no-such-value-detail = The campaign has no such value. Write it as in the list.
error-no-such-tally-detail = The campaign has no tally of that name. It has these: { $ids }.
error-no-such-vote-detail = The campaign has no vote with this id.
error-invalid-query-detail = Correct the parameters named in the errors, and request the list again.
error-no-such-report-detail = Reports are kept for a day, and less if a registration is corrected or deleted. Ask for it again.
error-no-such-registration-detail = Check the number on the receipt.
error-invalid-answers-detail = Nothing was kept. Mend the fields named and send again.
error-already-registered-by-key-detail = This form was already sent with other answers, and those are registered. To register another person open a new form.
error-already-registered-detail = This document was sent before with other answers. Nothing was changed. If it is yours, ask for a review at the end of the form, or tell the staff.
error-reviews-full-detail = Three submissions with this document wait for a review already. Nothing was kept. Go to the staff with your document.
error-too-large-detail = The photo may have at most 8 MiB. Choose a smaller one or take it again.
error-text-too-large-detail = All texts together may have at most 64 KiB. Shorten them.
error-unsupported-media-type-json-detail = Send multipart/form-data or application/json.
error-unsupported-media-type-votes-detail = Send application/json or application/x-ndjson.
error-unsupported-media-type-detail = Send multipart/form-data.
error-timeout-detail = The connection is very slow. Nothing was kept; try again.
error-unavailable-detail = There are many people, or a part of the system does not answer. Your answers are still in the form: send them again in a few seconds.
error-unauthorized-detail = Log in with your staff account (/staff/login), or send a token that is good.
error-unauthorized-votes-detail = Send a token for votes: Authorization: Bearer TOKEN. Staff make one on the page of tokens.
error-forbidden-detail = Your account or token is not for this. Ask an administrator.
error-too-fast-detail = The form came sooner than a person can fill it in. Nothing was kept: wait a few seconds and send it again.
error-hidden-field-detail = Something in your browser filled in a field that people do not see. Nothing was kept. We emptied it: look through your answers and send again.
error-old-form-detail = This page was open for too long. Nothing was kept. Load it again, look through your answers and send them.
error-proof-of-work-detail = This campaign asks your browser for a check against automatic programs, which needs JavaScript. Turn it on, load the page again and send; or ask the staff. Nothing was kept.
error-cross-site-detail = Nothing was stored. Open the form of this site and send it from there.
error-stale-form-detail = Nothing was changed. Open the page again and repeat the change.
error-no-such-link-detail = It is good once, and for 48 hours. Ask an administrator for another one.
error-internal-detail = It was our fault. Try again; if it goes on, tell us the request number.
error-registration-removed-detail = An administrator deleted it. Reason: { $reason }
error-malformed-detail = Check the address and what you send.
error-too-many-requests-detail =
    { $seconds ->
        [one] Many requests came from your network. Wait 1 second and try again.
       *[other] Many requests came from your network. Wait { $seconds } seconds and try again.
    }
error-not-open-votes-detail = It takes in votes from { $opens } to { $closes }.
error-not-open-detail = It takes registrations from { $opens } to { $closes }.

## Requests that cannot be read

malformed-host = The header Host is missing, repeated or no valid name.
malformed-incomplete = The multipart body is incomplete or malformed. Nothing was kept: send it again.
malformed-no-boundary = The header Content-Type lacks the boundary of multipart/form-data. Nothing was kept.
malformed-unnamed-part = A part of the body has no name. Give it the name of a field. Nothing was kept.
malformed-too-many-parts = The body has more parts than any form asks for. Nothing was kept.
malformed-not-json = The body is not a JSON object. Nothing was kept.
malformed-not-json-array = The body is not a JSON array. Nothing was kept.
malformed-json-value = A value of the JSON object is neither text, number, true nor false. Nothing was kept.
malformed-idempotency-key = The header Idempotency-Key must have 8 to 128 visible ASCII characters. Nothing was kept.
malformed-form-key = The form came with an identifier that is not valid. Nothing was kept: load the page again.
malformed-second-factor-form = The form of the second factor is not of this account, or was altered. Nothing was changed: load the page again.
malformed-day = Write days as YYYY-MM-DD, such as 2026-11-21.
malformed-day-order = The last day is before the first. Exchange them.
malformed-separator = The separator is comma, semicolon or tab.
malformed-audit-filter = A value of the filter cannot be read. Go back to the page of the audit log and correct the field named there.
vote-query-unknown-parameter = There is no such parameter. Use one of these: { $names }.
vote-query-time = Write a time like this: 2026-11-21, 2026-11-21T16:05 or 2026-11-21T21:05:00Z.
vote-query-reversed = The end is not after the beginning. Exchange them.
vote-query-position = This is not a position. Take it unchanged from an earlier answer.

## Reports

report-column-receipt = Receipt
report-column-local-time = Received (local time)
report-column-utc-time = Received (UTC)
report-column-photo = Photo
report-see-photo = See photo
report-count = Count
report-chart-description = Bars: the values with most registrations, the same numbers as in the table.
report-list = List
report-other-values = Other values ({ $count })
report-rows = { $rows } rows, { $time }

## Problems of passwords

password-too-short = Use at least 12 characters. A few words do well.
password-too-long = It is too long.
password-common = This password is among the commonest. Choose another.
password-matches-email = Do not use your mail address as a password.
password-mismatch = The two passwords are not the same.

## Mails of the watcher

watch-mail-test = test message
watch-mail-all-down = ALL instances are down
watch-mail-cause-down = { $cause } does not answer: no instance is ready
watch-mail-test-body = If you read this, Jornada's notices arrive. There is nothing to do.
watch-mail-cut-off = Attention: the neutral check does not answer either. It may be the watcher itself that is cut off, and the system may work. Check it from another place.
watch-mail-since = Since
watch-mail-fell = Fell
watch-mail-address-removed = no longer watched: its address left the list
watch-mail-note = Note
watch-mail-what-was-seen = What was seen
watch-mail-address = Address
watch-mail-status = Status
watch-mail-dashboard = Dashboard
watch-mail-logs = Logs
watch-mail-raised =
    { $count ->
        [one] { $names } is down ({ $left })
       *[other] { $names } are down ({ $left })
    }
watch-mail-reminder =
    { $count ->
        [one] { $names } is still down ({ $left })
       *[other] { $names } are still down ({ $left })
    }
watch-mail-resolved = { $name } is back after { $duration }
watch-mail-all-resolved = { $names } are back
watch-mail-left = { $up } of { $all } left
watch-mail-instances =
    { $up ->
        [0] Of { $all } instances none answers: the site serves nobody.
        [one] Now 1 of { $all } instances answers.
       *[other] Now { $up } of { $all } instances answer.
    }
watch-mail-refused =
    { $count ->
        [one] a mailbox refuses the notices
       *[other] { $count } mailboxes refuse the notices
    }
watch-mail-refused-body = The mail server refused the notices for these addresses. You still get them. Correct JORNADA_MAIL_TO (with init.sh: STACK_MAIL_TO) or have the mailbox repaired; the next notice is tried there again.
watch-mail-server-said = What the server answered
watch-mail-times = { $count } times

## Results of probes

watch-result-healthy = answers
watch-result-refused = connection refused
watch-result-timed-out = no answer in time
watch-result-no-name = its name leads to no address
watch-result-broken = connection broken, or no way there
watch-result-draining = , it is ending
watch-result-status = answered { $status }
watch-result-lacking = , it lacks: { $names }

## Dependencies

watch-dependency-store = the store
watch-dependency-photos = the photo store
watch-dependency-cache = the cache

## Page of the watcher

watch-lasted = Lasted
watch-beginning = Beginning to look
watch-all-answer = All instances answer
watch-coming-back = coming back
watch-goes-on = goes on
watch-title = Watch
watch-watcher = Watcher
watch-maintenance-until = Planned maintenance until
watch-no-notices = No notices of what is down are sent.
watch-unsent = Notices that wait:
watch-another-sends = another watcher sends
watch-refused-recipients = The mail server refuses these recipients:
watch-refused-answer = { $code } to { $step }
watch-refused-delay = did not accept the notice for five days
watch-incidents = Incidents
watch-none = None.
watch-what-and-since = What and since when
watch-metrics = Metrics
watch-some-answer = { $up } of { $all } instances answer
watch-down = DOWN: { $result }

## Staff area

staff-account-wrong-password = The current password is not right.
staff-account-wrong-code = The code is not right, or was used before. Wait for the next one.
staff-notice-account-password = The password was changed. The other sessions have ended.
staff-notice-account-session = The session has ended.
staff-notice-account-second = The second step is on. From now on you will be asked for a code when you log in.
staff-notice-account-second-off = The second step is off.
staff-account-not-yourself = You cannot close your own account or change your own role. Ask another administrator.
staff-notice-account-detail-role = The change is saved.
staff-notice-account-detail-sessions = All its sessions have ended.
staff-notice-account-detail-closed = The account is closed.
staff-accounts-choose-role = Choose a role.
staff-accounts-check-address = Check the mail address.
staff-accounts-already-there = There is already an account of this address.
staff-closed = Closed
staff-accounts-invited = Invited
staff-accounts-active = Active
staff-audit-nobody-known = Nobody that is known
staff-audit-command-line = The command line
staff-audit-system = The system
staff-notice-closure-closed = The campaign is closed.
staff-notice-closure-reopened = The campaign is open again.
staff-reason = Reason
staff-correct-not-yours = It is not one of yours. Ask an administrator for this change.
staff-delete-meanwhile = Somebody corrected this registration meanwhile. Nothing was deleted. Look at it as it is now and confirm again.
staff-delete-tick = Tick the box if you really want to delete it.
staff-delete-choose-cause = Choose why it is deleted: it decides whether the number can be registered again.
staff-role-viewer = Totals only
staff-role-clerk = Clerk
staff-role-admin = Administrator
staff-job-queued = Waiting
staff-job-running = Being made
staff-job-done = Ready
staff-job-failed = Failed
staff-job-cancelled = Cancelled
staff-job-counting = Counting…
staff-job-saving = Saving the file…
staff-job-failed-detail = The list could not be made. Ask for it again.
staff-login-wrong = Mail address, password or code is not right.
staff-notice-login-out = You are logged out.
staff-notice-login-everywhere = All your sessions have ended. Log in again.
staff-notice-login-password = The password is set. You can log in now.
staff-overview-scheduled = Not open yet
staff-overview-open = Open
staff-overview-closed = Closed by an administrator
staff-overview-ended = Over
staff-rejection-missing = An answer was missing
staff-rejection-consent-missing = Without consent
staff-rejection-too-short = Text too short
staff-rejection-too-long = Text too long
staff-rejection-control-character = Invisible characters
staff-rejection-no-letter = No letter or digit
staff-rejection-not-a-document = Not a document number
staff-rejection-unknown-place = Place not in the list
staff-rejection-not-an-option = Not one of the options
staff-rejection-not-in-range = Number out of range
staff-rejection-not-asked = Field that is not asked for
staff-rejection-unreadable = Submission that could not be read
staff-rejection-repeated = Field sent more than once
staff-rejection-photo = The photo could not be used
staff-rejection-not-open = While it was not open
staff-rejection-already-registered = Already registered
staff-rejection-deleted = Had been deleted
staff-overview-other-reason = Another reason
staff-rejection-too-often = { staff-overview-other-reason }
staff-notice-registration-corrected = The correction was saved.
staff-notice-registration-same = Nothing changed: it all was so already.
staff-registration-you = You
staff-registration-somebody-else = Somebody else of the staff
staff-reports-too-many-live = Several lists of yours are being made already. Wait for them, or cancel one.
staff-reports-too-many-stored = You have 200 lists already. Each is removed a day after it was made: ask for another once the first is gone.
staff-reports-choose-value = Choose what the list is of.
staff-reports-choose-format = Choose a kind of file.
staff-reports-check-dates = Check the dates: year-month-day, such as 2026-11-21.
staff-reports-dates-reversed = The first date is later than the last.
staff-search-wrong-date = Write the date so: 2026-11-25.
staff-search-dates-reversed = It is before the first date.
staff-search-too-short = Write at least two letters of the name, a whole document number or the number of the receipt.
staff-notice-tokens-revoked = The token is no good any more.
staff-tokens-scope-reports = lists
staff-tokens-scope-totals = totals
staff-tokens-scope-votes = votes
staff-tokens-scope-read-votes = reading votes
staff-tokens-revoked = revoked
staff-tokens-no-date = no date
staff-tokens-expired = expired
staff-totp-wrong-code = The code is not right. Check that the phone's clock is set by itself.
staff-my-account = My account
staff-mail-address = Mail address
staff-role = Role
staff-account-only = Only
staff-account-change-password = Change the password
staff-current-password = Current password
staff-account-change = Change
staff-second-step-at-login = Second step when logging in
staff-account-second-step-is-off = Off. With it, logging in asks for a code of an app on your phone besides the password.
staff-account-switch-on = Switch the second step on
staff-account-second-step-required = On. Administrators must have it.
staff-account-second-step-is-on = On.
staff-code = Code
staff-account-switch-off = Switch off
staff-account-sessions = Open sessions
staff-account-logged-in = Logged in
staff-account-last-seen = Last seen
staff-account-end = End
staff-account-this-session = (this one)
staff-account-log-out-everywhere = Log out everywhere
staff-account-is-closed = The account is closed. To open it, add it again with the same address.
staff-account-role-and-cities = Role and cities
staff-save = Save
staff-account-new-link = New link
staff-account-new-link-hint = For who lost the password or the link.
staff-account-lost-phone = Also lost the phone: switch the second step off
staff-account-make-link = Make a link
staff-account-close = Close
staff-account-end-sessions = End its sessions
staff-account-close-account = Close the account
staff-accounts = Accounts
staff-accounts-all = All accounts
staff-cities = Cities
staff-state = State
staff-second-step = Second step
staff-all-cities = All
staff-accounts-yes = Yes
staff-accounts-no = No
staff-accounts-add-title = Add an account
staff-accounts-add = Add
staff-no-answer = No answer
staff-answers-consent = Text agreed to (version)
staff-answers-photo-erased = Photo erased at the end of its time
staff-audit = Audit
staff-audit-title = Who looked at what
staff-audit-filter = Filter
staff-audit-who = Who
staff-audit-anyone = Anyone
staff-audit-what-they-did = What they did
staff-audit-anything = Anything
staff-audit-campaign = Campaign
staff-audit-any-campaign = Any
staff-audit-subject = Registration, account or token
staff-audit-subject-hint = Its id, never a name or document; for a token, token: and its name.
staff-audit-from-day = From the day
staff-audit-until-day = To the day
staff-audit-show = Show
staff-audit-newest-first = Newest first
staff-audit-nothing = There is nothing to show.
staff-audit-when = When
staff-audit-to-what = To what
staff-audit-more = More
staff-from = From
staff-audit-request = Request
staff-audit-unreadable = This entry cannot be read: a later version wrote it, or somebody changed it.
staff-audit-newest = The newest
staff-audit-older = Older
staff-audit-export = Download as CSV
staff-close-title = Close or open the campaign
staff-close-is-closed = Nobody can register. When it is opened again, registrations are taken until it closes.
staff-close-is-closed-votes = Nobody can vote. When it is opened again, votes are taken until the closing date.
staff-close-is-over = The campaign is over.
staff-close-explanation = Once closed, nobody can register anywhere, a second later. What is registered stays.
staff-close-explanation-votes = Once it is closed nobody can vote, anywhere, from a second later. The votes that were taken in stay.
staff-close-reason-hint = It stays in the audit, with your name.
staff-close-close = Close the campaign
staff-close-reopen = Open again
staff-correct-title = Correct the registration
staff-correct-not-saved = It was not saved
staff-correct-meanwhile = Somebody else corrected this registration while you were typing. What you typed is still below, and beside each answer stands what is there now. Check and save again.
staff-correct-document-taken = That document belongs to another registration. Search for it before you change anything.
staff-correct-too-many-documents = This registration has had five other documents already. Delete it as false if it belongs to nobody.
staff-correct-back = Back without saving
staff-correct-now = Now it says:
staff-no-answer-inline = no answer
staff-correct-reason = Reason of the correction
staff-correct-reason-hint = It stays with the registration, beside what it said before. Do not write anything about the person here.
staff-correct-save = Save the correction
staff-delete-title = Delete the registration
staff-delete-back = Back without deleting
staff-delete-explanation = The answers and the photo are removed for good. The totals follow.
staff-delete-cause = Why is it deleted?
staff-delete-requested = The person asked for it
staff-delete-requested-hint = Nobody can register with this document any more, unless an administrator frees it.
staff-delete-false = It is false: somebody else sent it, or it belongs to nobody
staff-delete-false-hint = The document is free again. Only exactly the same answers and photo stay refused.
staff-delete-reason-hint = It is all that stays. Do not write anything about the person here.
staff-delete-confirm = Yes, I want to delete this registration
staff-delete-submit = Delete for good
staff-deleted-at = Deleted
staff-deleted-requested = The person asked for it: its document cannot be registered again.
staff-deleted-false = It was false: its document can be registered again.
staff-deleted-lifted = An administrator freed its document: it can be registered again.
staff-lift-title = Free the document
staff-lift-explanation = Do this only if the person of this document wants to register again. The answers do not come back.
staff-lift-reason-hint = It stays in the audit. Do not write anything about the person here.
staff-lift-submit = Free the document
staff-reviews = Reviews
staff-reviews-explanation = These people sent a document that somebody else had sent before. They are counted nowhere until you decide.
staff-reviews-none = Nobody waits for a review.
staff-reviews-number = Review
staff-reviews-place = Sent for
staff-reviews-rival = Against
staff-review-title = Compare two submissions
staff-review-disputed = Asks for a review
staff-review-registered = Registered before
staff-review-question = Which one is kept?
staff-review-keep-disputed = The one that asks for a review
staff-review-keep-disputed-hint = It is registered. The one registered before is deleted as false, with its photo.
staff-review-keep-registered = The one registered before
staff-review-keep-registered-hint = The other one is removed, with its photo. Its page says that it was not kept.
staff-review-submit = Decide
staff-review-choose = Choose which one is kept.
staff-review-meanwhile = Somebody changed one of them meanwhile. Nothing was decided. Look at them as they are now and decide again.
staff-review-only-admins = The person of this document had asked to be deleted: only an administrator can register it again.
staff-review-nobody = Nobody has this document any more. If you keep this submission, it is registered.
staff-review-former = The earlier registration has another document by now. If you keep this submission, both stay.
staff-review-deleted = The registration with this document was deleted because the person asked for it. Only an administrator can keep this submission.
staff-history-title = Corrections
staff-history-reason = Reason:
staff-job-title = Report
staff-job-rows-done = Rows done
staff-job-cancel = Cancel
staff-job-download = Download
staff-job-kept-until = Kept until:
staff-job-all-reports = All my reports
staff-job-refresh = Refresh this page
staff-area = Staff
staff-overview = Overview
staff-tokens = Tokens
staff-log-out = Log out
staff-link = Link
staff-link-title = Link to choose a password
staff-link-explanation = Send it to this person in a safe way. It is good once, for 48 hours, and is not shown again.
staff-login-title = Log in
staff-login-intro = For the staff.
staff-login-password = Password
staff-login-code-hint = (if your second step is on)
staff-overview-as-of = Numbers of
staff-overview-today = Today
staff-overview-in-all = In all
staff-search-registrations = Search registrations
staff-votes = Votes
staff-votes-filters = Filters
staff-votes-any = Any
staff-votes-door = Came in by
staff-votes-instance = Instance
staff-votes-newest-first = Newest first
staff-votes-refresh = Refresh
staff-votes-newest = To the newest
staff-votes-pause = Pause
staff-votes-resume = Go on
staff-votes-live = New votes appear by themselves.
staff-votes-paused = Paused: new votes do not appear.
staff-votes-failed = New votes cannot be loaded now; trying again.
staff-votes-nothing = No vote fits.
staff-votes-nothing-yet = None of the latest votes looked at fits. Search on in older ones.
staff-votes-older = Older votes
staff-votes-search-on = Search on in older votes
staff-vote = Vote
staff-vote-id = Id
staff-vote-queue-place = Place in the queue
staff-vote-stored = Stored
staff-vote-delay = { $milliseconds } ms after it was received
staff-vote-unknown = unknown
staff-dead-letters = Records that could not become votes
staff-dead-letters-short = Dead letters
staff-dead-letters-intro = Records of the queue, newest first, with the reason. They stop no other record.
staff-dead-letters-none = There are none.
staff-dead-letter = Record that could not become a vote
staff-dead-letter-read = Read
staff-dead-letter-campaign = Campaign
staff-dead-letter-content = Content
staff-dead-letter-bytes = Bytes
staff-dead-letter-cut = only the beginning is kept, so it cannot be processed again
staff-dead-letter-replay-hint = Processing again judges the record by the campaigns as they are now. If it is a vote, it is stored once.
staff-dead-letter-replay = Process again
staff-dead-letter-confirm = I want to drop this record for good.
staff-dead-letter-drop = Drop
staff-dead-letter-refused = It still cannot become a vote, for the reason below.
staff-dead-letter-tick = Tick the box to drop the record.
staff-notice-dead-letters-replayed = The record is stored as a vote.
staff-notice-dead-letters-dropped = The record is dropped.
staff-dead-letter-reason-no-id = It has no key
staff-dead-letter-reason-bad-id = Its key has another form
staff-dead-letter-reason-not-json = It is not a JSON object
staff-dead-letter-reason-no-campaign = It names no campaign
staff-dead-letter-reason-unknown-campaign = There is no campaign of that name
staff-dead-letter-reason-other-kind = Its campaign takes in registrations
staff-dead-letter-reason-closed = Its campaign was not open
staff-dead-letter-reason-invalid = Its answers have mistakes
staff-dead-letter-reason-conflict = Another vote has its id
staff-dead-letter-reason-too-large = It is too large
staff-dead-letter-reason-refused = The store does not take it
staff-reports = Reports
staff-overview-live-totals = Live totals
staff-overview-form = Form
staff-overview-close-or-open = Close or open
staff-overview-days = Last 14 days
staff-overview-day = Day
staff-overview-highest = Highest
staff-overview-peak = Most on { $day }: { $count }
staff-overview-table = As a table
staff-overview-old = This count is old, and a new one takes long. Load the page again in a moment.
staff-overview-rate = Votes a minute now
staff-overview-hour = Votes in the last hour
staff-overview-unknown = unknown
staff-overview-doors = Doors of the last { $count } votes
staff-overview-queue = Queue of votes
staff-overview-lag = Votes that wait
staff-overview-oldest = Seconds that the oldest waits
staff-overview-consumers = Consumers
staff-overview-no-queue = There is no queue: votes are stored at once.
staff-overview-of = (of { $count })
staff-overview-rejected = Turned away, by reason
staff-overview-times = Times
staff-overview-none-rejected = None in 14 days.
staff-password-title = Choose a password
staff-password-new = New password
staff-password-hint = At least 12 characters. A few words do well.
staff-password-again = The same again
staff-registration = Registration
staff-registration-photo = Photo of the document
staff-print-back = Back to the registration
staff-registration-correct = Correct
staff-registration-print = To print
staff-registration-delete = Delete
staff-registration-photo-hint = For the staff alone. Each look is written down.
staff-reports-all-registrations = All registrations
staff-reports-from = From this day
staff-reports-until = Until this day, included
staff-reports-format = Kind of file
staff-reports-format-hint = For a spreadsheet, Excel: a CSV loses leading zeros there, and the digits after the fifteenth. CSV is for programs.
staff-reports-submit = Ask for the list
staff-reports-mine = My reports
staff-reports-none = You have not asked for any yet.
staff-reports-kept = They are kept for a day, and less if a registration is corrected or deleted.
staff-reports-file = File
staff-reports-requested = Asked for
staff-reports-rows = Rows
staff-only-these-cities = Only these cities
staff-role-cities-hint = For clerks. One a line; empty: all.
staff-notice-search-deleted = The registration was deleted.
staff-notice-search-lifted = The document can be registered again.
staff-notice-reviews-decided = The review is decided.
staff-search-text = Name, document or receipt number
staff-search-text-hint = The beginning of one or more names is enough, in any order. Empty: the latest.
staff-search-results = Results
staff-search-nothing = Nothing fits. Check what you typed, or search with fewer letters.
staff-search-on-this-page = { $count } on this page.
staff-search-pages = Pages of results
staff-search-start = To the start
staff-search-next = Next page
staff-token = Token
staff-token-new = New token
staff-token-copy = Copy it now: it is not shown again.
staff-tokens-for = For
staff-tokens-title = Tokens for programs
staff-tokens-all = All tokens
staff-tokens-name = Name
staff-tokens-revoke = Revoke
staff-tokens-make-title = Make a token
staff-tokens-purpose = For what
staff-tokens-purpose-hint = The program or the office, without names of people: it stays in the audit.
staff-tokens-reports-and-photos = Lists and their photos
staff-tokens-votes = Sending votes
staff-tokens-read-votes = Reading single votes
staff-tokens-cities-hint = One a line; empty: all.
staff-tokens-good-for = Good for
staff-tokens-days =
    { $count ->
        [one] { $count } day
       *[other] { $count } days
    }
staff-tokens-make = Make
staff-totp-is-on = It is on already.
staff-totp-required = Administrators must have it: switch it on to go on.
staff-totp-step-app = Open an app for codes on your phone (for example Aegis, FreeOTP or Google Authenticator).
staff-totp-step-read = Read this QR code with it, or copy the key below.
staff-totp-step-write = Write here the code of 6 digits that it shows, and your password.
staff-totp-qr-code = QR code for the app
staff-totp-key = Key:
staff-totp-switch-on = Switch on
staff-action-login = { staff-account-logged-in }
staff-action-login-failed = Failed to log in
staff-action-login-slowed = Had to wait to log in
staff-action-logout = Logged out
staff-action-password-set = Set a password by a link
staff-action-password-changed = Changed their password
staff-action-second-on = Switched the second step on
staff-action-second-off = Switched the second step off
staff-action-session-ended = Ended a session
staff-action-sessions-ended = Ended all sessions
staff-action-account-added = Added an account
staff-action-account-changed = Changed an account
staff-action-account-link = Made a password link
staff-action-account-closed = Closed an account
staff-action-token-made = Made a token
staff-action-token-revoked = Revoked a token
staff-action-search = Searched registrations
staff-action-look = Looked at a registration
staff-action-photo = Looked at a photo
staff-action-print = Printed a registration
staff-action-correct = Corrected a registration
staff-action-delete = Deleted a registration
staff-action-lift = Freed the document of a deleted registration
staff-action-review-list = Looked at the list of reviews
staff-action-review-look = Compared two submissions of a document
staff-action-review-decided = Decided a review
staff-action-report = Asked for a list
staff-action-report-file = Downloaded a list
staff-action-close = Closed a campaign
staff-action-reopen = Reopened a campaign
staff-action-audit-read = Read the audit
staff-action-audit-export = Downloaded the audit
staff-action-refused = Asked for what is not theirs
staff-action-person-export = Took out all of one person
staff-action-photos-erased = Erased photos that were over
staff-action-sweep = Swept away what was over
staff-action-photo-altered = Met an altered photo
staff-action-report-altered = Met an altered list
staff-action-report-cancelled = Cancelled a list
staff-action-votes-exported = Exported all votes
staff-action-votes-imported = Imported votes from a file
staff-action-votes-erased = Erased all votes
staff-action-votes-read = Read single votes
staff-action-dead-letters-read = Read records of the queue that could not become votes
staff-action-dead-letters-replayed = Replayed records of the queue that could not become votes
staff-action-dead-letters-dropped = Dropped records of the queue that could not become votes
staff-action-backup = Made a backup of everything
staff-action-restore = Restored everything from a backup
staff-audit-wrong-actor = Choose who from the list.
staff-audit-wrong-action = Choose what from the list.
staff-audit-wrong-campaign = Choose a campaign from the list.
staff-audit-wrong-subject = Write the id of a registration or of an account, or token: and the name of a token.
staff-audit-wrong-date = Write the dates like 2026-11-21.
staff-audit-wrong-position = Go back to the first page.
staff-tokens-name-missing = Write who or what the token is for.
staff-tokens-scope-missing = Choose what the token is for.
staff-tokens-days-missing = Choose how long it is good.
staff-tokens-votes-have-no-cities = A token for votes cannot be limited to cities.
staff-job-one-row = Ready: 1 row
staff-search-found =
    { $count ->
        [one] One registration.
       *[other] { $count } registrations.
    }
staff-job-rows = { $rows } of { $of } rows
staff-job-ready = Ready: { $rows } rows
staff-accounts-place-unknown = No campaign has the place '{ $name }'.
staff-accounts-place-similar = No campaign has the place '{ $name }'. Did you mean: { $names }?
staff-too-many-attempts =
    { $seconds ->
        [one] Too many attempts. Wait 1 second and try again.
       *[other] Too many attempts. Wait { $seconds } seconds and try again.
    }
