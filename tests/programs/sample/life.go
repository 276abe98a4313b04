// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"log"
	"os"
	"strconv"
	"sync"
	"time"
)

// life is where one run stands: warming, serving, draining.
type life struct {
	settings settings
	who      map[string]any

	mutex      sync.Mutex
	isWarm     bool
	draining   bool
	errorShare float64
	owed       float64
	changed    chan struct{}
}

// refused says why a request is not served.
type refused struct {
	reason      string
	unavailable bool
}

func newLife(s settings) *life {
	who := map[string]any{"instance": s.instance, "cluster": s.cluster}
	return &life{settings: s, who: who, changed: make(chan struct{})}
}

// warm makes it able to serve, in its own time, and takes that away again where a drill wants it.
func (l *life) warm(ctx context.Context) {
	if l.settings.neverReady || !rest(ctx, l.settings.warmUp) {
		return
	}
	for warm := true; ; warm = !warm {
		l.say(func() { l.isWarm = warm })
		if l.settings.flap == 0 || !rest(ctx, l.settings.flap) {
			return
		}
	}
}

func (l *life) drain() { l.say(func() { l.draining = true }) }

// say changes something and wakes those who wait for a change.
func (l *life) say(change func()) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	change()
	close(l.changed)
	l.changed = make(chan struct{})
}

// exit ends the program as a drill wants it, and every later start in the same place.
func (l *life) exit(status int) {
	if l.settings.scar != "" {
		_ = os.WriteFile(l.settings.scar, []byte(strconv.Itoa(status)), 0o600)
	}
	log.Print("a drill told me to")
	os.Exit(status)
}

// reopen ends the program at its start if it bears a scar.
func (l *life) reopen() {
	if content, err := os.ReadFile(l.settings.scar); err == nil {
		status, _ := strconv.Atoi(string(content))
		l.exit(status)
	}
}

// unhealthy is why nobody should send new work here; empty when it is welcome. The channel is closed by the next change.
func (l *life) unhealthy() (string, <-chan struct{}) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	switch {
	case l.draining:
		return "draining", l.changed
	case !l.isWarm:
		return "warming up", l.changed
	}
	return "", l.changed
}

// admit lets one request in, or says why not. Who still has a connection while it drains is served.
func (l *life) admit() *refused {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if !l.isWarm {
		return &refused{"warming up", true}
	}
	if l.owed += l.errorShare; l.owed >= 1 {
		l.owed--
		return &refused{"a drill asked for this error", false}
	}
	return nil
}

// answer is a message with who gave it.
func (l *life) answer(more map[string]any) map[string]any {
	all := make(map[string]any, len(l.who)+len(more))
	for key, value := range l.who {
		all[key] = value
	}
	for key, value := range more {
		all[key] = value
	}
	return all
}

// rest lets time pass; false when ctx ended first.
func rest(ctx context.Context, pause time.Duration) bool {
	if pause <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
