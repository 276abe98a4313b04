// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
)

// web is the HTTP side: /whoami, /work?ms=N, /healthz, /ws, and POST /fault.
type web struct{ life *life }

func newWeb(l *life) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{Handler: &web{l}, Protocols: protocols, ReadHeaderTimeout: 10 * time.Second}
}

var upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}

func (w *web) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	if request.URL.Path == "/ws" {
		w.converse(writer, request)
		return
	}
	status, body := w.respond(request)
	id := request.Header.Get("x-request-id")
	protocol := map[bool]string{true: "2", false: "1.1"}[request.ProtoMajor == 2]
	merged := w.life.answer(map[string]any{"id": id, "protocol": protocol})
	for key, value := range body {
		merged[key] = value
	}
	header := writer.Header()
	header.Set("content-type", "application/json")
	header.Set("x-request-id", id)
	header.Set("x-instance", w.life.settings.instance)
	header.Set("x-cluster", w.life.settings.cluster)
	content, _ := json.Marshal(merged)
	header.Set("content-length", strconv.Itoa(len(content)))
	writer.WriteHeader(status)
	_, _ = writer.Write(content)
}

func (w *web) respond(request *http.Request) (int, map[string]any) {
	switch request.URL.Path {
	case "/healthz":
		if reason, _ := w.life.unhealthy(); reason != "" {
			return http.StatusServiceUnavailable, map[string]any{"status": reason}
		}
		return http.StatusOK, map[string]any{"status": "serving"}
	case "/fault":
		return w.fault(request)
	}
	if no := w.life.admit(); no != nil {
		return no.status(), map[string]any{"error": no.reason}
	}
	switch request.URL.Path {
	case "/whoami":
	case "/work":
		pause, err := strconv.Atoi(request.URL.Query().Get("ms"))
		if err != nil || pause < 0 {
			return http.StatusBadRequest, map[string]any{"error": "ms: must be a whole number of milliseconds"}
		}
		rest(request.Context(), time.Duration(pause)*time.Millisecond)
	default:
		return http.StatusNotFound, map[string]any{"error": request.URL.Path + ": is not here"}
	}
	return http.StatusOK, map[string]any{"cell": request.Header.Get("x-ue-cell")}
}

// fault breaks something on purpose; a real application has no such thing.
func (w *web) fault(request *http.Request) (int, map[string]any) {
	if request.Method != http.MethodPost {
		return http.StatusMethodNotAllowed, map[string]any{"error": "a fault is asked for by POST"}
	}
	wanted := request.URL.Query()
	if text := wanted.Get("error_share"); text != "" {
		share, err := strconv.ParseFloat(text, 64)
		if err != nil || share < 0 || share > 1 {
			return http.StatusBadRequest, map[string]any{"error": "error_share: must be a number from 0 to 1"}
		}
		w.life.say(func() { w.life.errorShare = share })
	}
	if text := wanted.Get("exit"); text != "" {
		status, err := strconv.Atoi(text)
		if err != nil || status < 0 || status > 255 {
			return http.StatusBadRequest, map[string]any{"error": "exit: must be a number from 0 to 255"}
		}
		time.AfterFunc(50*time.Millisecond, func() { w.life.exit(status) })
	}
	return http.StatusOK, map[string]any{"fault": wanted}
}

// converse answers each message of a WebSocket with its id and who answered.
func (w *web) converse(writer http.ResponseWriter, request *http.Request) {
	if no := w.life.admit(); no != nil {
		http.Error(writer, no.reason, no.status())
		return
	}
	header := http.Header{"X-Instance": {w.life.settings.instance}, "X-Cluster": {w.life.settings.cluster}}
	socket, err := upgrader.Upgrade(writer, request, header)
	if err != nil {
		return
	}
	defer socket.Close()
	for {
		var message map[string]any
		if err := socket.ReadJSON(&message); err != nil {
			return
		}
		if err := socket.WriteJSON(w.life.answer(map[string]any{"id": message["id"]})); err != nil {
			return
		}
	}
}

func (r *refused) status() int {
	if r.unavailable {
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
