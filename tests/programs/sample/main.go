// SPDX-License-Identifier: Apache-2.0

// sample is the sample application as one static program, for containers: it answers as relocate/demo/app does (HTTP/1.1,
// HTTP/2 by prior knowledge, WebSocket, gRPC), opens its ports before it can serve, and drains on SIGTERM.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	settings := read()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, settings); err != nil {
		log.Fatalf("the sample application cannot run: %v", err)
	}
}

// settings are what one run is told.
type settings struct {
	host               string
	httpPort, grpcPort int
	warmUp, flap       time.Duration
	grace              time.Duration
	neverReady         bool
	instance, cluster  string
	scar               string
}

func read() settings {
	var s settings
	seconds := func(name string, preset time.Duration, usage string) *time.Duration {
		return flag.Duration(name, preset, usage)
	}
	flag.StringVar(&s.host, "host", "0.0.0.0", "address to listen on")
	flag.IntVar(&s.httpPort, "http-port", 8080, "HTTP/1.1, HTTP/2 (prior knowledge), WebSocket")
	flag.IntVar(&s.grpcPort, "grpc-port", 9090, "gRPC")
	flag.BoolVar(&s.neverReady, "never-ready", false, "warm up for ever")
	flag.StringVar(&s.scar, "scar", "", "file that a told exit leaves, and that repeats it at every later start")
	warmUp := seconds("warm-up", 0, "time in which every request is answered \"warming up\"")
	flap := seconds("flap", 0, "ready and not ready in turns of this length; 0 stays ready")
	grace := seconds("grace", 5*time.Second, "time that requests in flight get after SIGTERM")
	flag.Parse()
	s.warmUp, s.flap, s.grace = *warmUp, *flap, *grace
	s.instance, s.cluster = from("RELOCATE_INSTANCE", "unnamed"), from("RELOCATE_CLUSTER", "nowhere")
	return s
}

func from(name, preset string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return preset
}

// run serves until ctx ends, then drains.
func run(ctx context.Context, s settings) error {
	life := newLife(s)
	life.reopen()
	go life.warm(ctx)
	web, err := listen(s.host, s.httpPort)
	if err != nil {
		return err
	}
	rpc, err := listen(s.host, s.grpcPort)
	if err != nil {
		return err
	}
	server, echo := newWeb(life), newEcho(life)
	failed := make(chan error, 2)
	go func() { failed <- server.Serve(web) }()
	go func() { failed <- echo.Serve(rpc) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	life.drain()
	ended := make(chan struct{})
	go func() { echo.GracefulStop(); close(ended) }()
	graced, cancel := context.WithTimeout(context.Background(), s.grace)
	defer cancel()
	if err := server.Shutdown(graced); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	select {
	case <-ended:
	case <-graced.Done():
		echo.Stop()
	}
	return nil
}

func listen(host string, port int) (net.Listener, error) {
	return net.Listen("tcp", net.JoinHostPort(host, fmt.Sprint(port)))
}

var _ http.Handler = (*web)(nil)
