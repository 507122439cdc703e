// Sends a vote, and a batch of votes, each exactly once: whatever is not acknowledged is sent again with the same key.
//   node votes.mjs RUN    RUN is a name that no other run has had, or that of a run to be repeated
const site = process.env.JORNADA_SITE ?? "http://127.0.0.1:4000";
const campaign = process.env.JORNADA_CAMPAIGN ?? "elecciones";
const repeated = [408, 429, 502, 503, 504];
const tries = 8;

/** Sends votes until they are durable. Returns the answer. */
async function send(path, key, votes) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  if (process.env.JORNADA_TOKEN) headers.Authorization = `Bearer ${process.env.JORNADA_TOKEN}`;
  for (let count = 0; count < tries; count++) {
    let seconds = 1;
    try {
      const url = `${site}/api/v1/campaigns/${campaign}/${path}`;
      const response = await fetch(url, {
        method: "POST", headers, body: JSON.stringify(votes), signal: AbortSignal.timeout(20_000),
      });
      const text = await response.text();
      if (!response.ok && !repeated.includes(response.status)) throw new RangeError(`${response.status}: ${text}`);
      if (response.ok) {
        const answer = JSON.parse(text);
        if (!answer.results?.some((result) => result.status === "unavailable")) return answer;
      }
      seconds = Number(response.headers.get("Retry-After") ?? 1);
    } catch (error) {
      if (error instanceof RangeError) throw error;
      console.error(`sent again: ${error.message}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  }
  throw new Error("not acknowledged: run this again with the same name");
}

const run = process.argv[2];
if (!run) throw new Error("a name for this run");
const vote = { sede: 17, departamento: "Guatemala", municipio: "Mixco", papeleta: "Blanca", partido: "UNE" };
console.log(await send("votes", `${run}-mesa-17`, vote));
// Vote number i of a batch has the key `${run}-mesa-18/${i}`.
const batch = [{ ...vote, sede: 18 }, { ...vote, sede: 18, papeleta: "Verde", partido: "SEMILLA" }];
console.log(await send("votes/batch", `${run}-mesa-18`, batch));
