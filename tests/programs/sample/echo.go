// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const service = "demo.Echo"

type message = map[string]any

// codec carries JSON objects as they are, and protobuf where a message is one (health).
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(value any) ([]byte, error) {
	switch value := value.(type) {
	case proto.Message:
		return proto.Marshal(value)
	case []byte:
		return value, nil
	}
	return json.Marshal(value)
}

func (codec) Unmarshal(content []byte, value any) error {
	switch value := value.(type) {
	case proto.Message:
		return proto.Unmarshal(content, value)
	case *[]byte:
		*value = content
		return nil
	}
	return json.Unmarshal(content, value)
}

// echo is the service demo.Echo: Say, Watch and Ping.
type echo struct{ life *life }

func newEcho(l *life) *grpc.Server {
	e, said := &echo{l}, health.NewServer()
	server := grpc.NewServer(grpc.ForceServerCodec(codec{}))
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: service,
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{
			{MethodName: "Say", Handler: unary(e.say)},
			{MethodName: "Ping", Handler: unary(e.ping)},
		},
		Streams: []grpc.StreamDesc{{StreamName: "Watch", Handler: e.watch, ServerStreams: true}},
	}, e)
	healthpb.RegisterHealthServer(server, said)
	go keepHealth(l, said)
	return server
}

// keepHealth tells grpc.health.v1 whenever the answer changes.
func keepHealth(l *life, said *health.Server) {
	for {
		reason, changed := l.unhealthy()
		answer := healthpb.HealthCheckResponse_SERVING
		if reason != "" {
			answer = healthpb.HealthCheckResponse_NOT_SERVING
		}
		said.SetServingStatus("", answer)
		said.SetServingStatus(service, answer)
		<-changed
	}
}

func unary[In, Out any](answer func(context.Context, In) (Out, error)) func(
	any, context.Context, func(any) error, grpc.UnaryServerInterceptor) (any, error) {
	return func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		var in In
		if err := decode(&in); err != nil {
			return nil, err
		}
		return answer(ctx, in)
	}
}

func (e *echo) say(ctx context.Context, in message) (message, error) {
	if err := e.admit(ctx); err != nil {
		return nil, err
	}
	return e.life.answer(message{"id": in["id"]}), nil
}

func (e *echo) ping(ctx context.Context, _ []byte) ([]byte, error) {
	return []byte{}, e.admit(ctx)
}

func (e *echo) admit(ctx context.Context) error {
	_ = grpc.SetTrailer(ctx, e.who())
	if no := e.life.admit(); no != nil {
		if no.unavailable {
			return status.Error(codes.Unavailable, no.reason)
		}
		return status.Error(codes.Internal, no.reason)
	}
	return nil
}

func (e *echo) who() metadata.MD {
	return metadata.Pairs("x-instance", e.life.settings.instance, "x-cluster", e.life.settings.cluster)
}

// watch answers with count messages, one every every_ms, paced from when the first was due.
func (e *echo) watch(_ any, stream grpc.ServerStream) error {
	var in message
	if err := stream.RecvMsg(&in); err != nil {
		return err
	}
	stream.SetTrailer(e.who())
	count, every := number(in, "count", 1), time.Duration(number(in, "every_ms", 100)*float64(time.Millisecond))
	if count < 1 || every < time.Millisecond {
		return status.Error(codes.InvalidArgument, "count and every_ms: must be at least 1")
	}
	if no := e.life.admit(); no != nil {
		return status.Error(codes.Unavailable, no.reason)
	}
	began := time.Now()
	if due, named := in["due_ms"].(float64); named {
		late := began.Sub(time.UnixMicro(int64(due * 1000)))
		began = began.Add(-min(max(late, 0), every))
	}
	for n := 0; n < int(count); n++ {
		if !rest(stream.Context(), time.Until(began.Add(time.Duration(n)*every))) {
			return status.Error(codes.Canceled, fmt.Sprint(stream.Context().Err()))
		}
		if err := stream.SendMsg(e.life.answer(message{"id": in["id"], "n": n})); err != nil {
			return err
		}
	}
	return nil
}

func number(in message, name string, preset float64) float64 {
	if value, named := in[name].(float64); named {
		return value
	}
	return preset
}
