// Sends a vote, and a batch of votes, each exactly once: whatever is not acknowledged is sent again with the same key.
//
//	go run votes.go RUN    RUN is a name that no other run has had, or that of a run to be repeated
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"
)

const tries = 8

var (
	site     = cmp.Or(os.Getenv("JORNADA_SITE"), "http://127.0.0.1:4000")
	campaign = cmp.Or(os.Getenv("JORNADA_CAMPAIGN"), "elecciones")
	client   = http.Client{Timeout: 20 * time.Second}
)

type vote struct {
	Sede         int    `json:"sede"`
	Departamento string `json:"departamento"`
	Municipio    string `json:"municipio"`
	Papeleta     string `json:"papeleta"`
	Partido      string `json:"partido"`
}

// post sends votes once. It returns the answer, or the time to wait before they are sent again.
func post(path, key string, body []byte) ([]byte, time.Duration, error) {
	url := fmt.Sprintf("%s/api/v1/campaigns/%s/%s", site, campaign, path)
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)
	if token := os.Getenv("JORNADA_TOKEN"); token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, time.Second, nil
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, time.Second, nil
	}
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	if err != nil {
		seconds = 1
	}
	wait := time.Duration(seconds) * time.Second
	switch response.StatusCode {
	case 200, 201, 202:
		if bytes.Contains(answer, []byte(`"unavailable"`)) {
			return nil, wait, nil
		}
		return answer, 0, nil
	case 408, 429, 502, 503, 504:
		return nil, wait, nil
	}
	return nil, 0, fmt.Errorf("%s: %s", response.Status, answer)
}

// send sends votes until they are durable.
func send(path, key string, votes any) {
	body, err := json.Marshal(votes)
	if err != nil {
		log.Fatal(err)
	}
	for range tries {
		answer, wait, err := post(path, key, body)
		if err != nil {
			log.Fatal(err)
		}
		if answer != nil {
			fmt.Println(string(answer))
			return
		}
		time.Sleep(wait)
	}
	log.Fatal("not acknowledged: run this again with the same name")
}

func main() {
	if len(os.Args) < 2 {
		log.Fatal("a name for this run")
	}
	run := os.Args[1]
	send("votes", run+"-mesa-17", vote{17, "Guatemala", "Mixco", "Blanca", "UNE"})
	// Vote number i of a batch has the key run-mesa-18/i.
	send("votes/batch", run+"-mesa-18", []vote{
		{18, "Guatemala", "Mixco", "Blanca", "UNE"},
		{18, "Guatemala", "Mixco", "Verde", "SEMILLA"},
	})
}
