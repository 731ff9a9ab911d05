// Package heartbeat says to crossfade that this instance is live, and lets it end where its version may not work on the
// database any more.
//
// What goes wrong with a heartbeat is logged and never ends the app: only an answer of false does, at the start by
// ErrFenced, later by onFenced.
package heartbeat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	interval = 20 * time.Second
	patience = 10 * time.Second
)

// One statement outside of a transaction block: its locks are gone as soon as it is answered, and a pooler in
// transaction mode has nothing to keep. The time-out counts for this statement only.
const (
	canIRun   = "SELECT crossfade.can_i_run($1, $2) FROM set_config('lock_timeout', '5s', true)"
	heartbeat = "SELECT crossfade.heartbeat($1, $2, $3) FROM set_config('lock_timeout', '5s', true)"
)

// ErrFenced says that this version may not work on the database as it is now.
var ErrFenced = errors.New("this version may not work on the database as it is now; ask: crossfade can-i-run APP VERSION")

// Instance is who reports: the app as the plan's roster calls it, its version, and a name of its own, such as that of
// its host or pod.
type Instance struct {
	App, Version, Name string
}

// ApplicationName is for every connection of the app, so that crossfade and you can tell whose it is.
func (me Instance) ApplicationName() string {
	return fmt.Sprintf("%s@%s/%s", me.App, me.Version, me.Name)
}

// Start asks whether this version may run, and reports it from a goroutine of its own until ctx is done. It returns
// ErrFenced where it may not. onFenced is called once when a heartbeat is told so later: it begins a shutdown and
// returns at once. An instance that finishes its work is still live, so let ctx be done after that.
func Start(ctx context.Context, url string, me Instance, onFenced func()) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	config.RuntimeParams["application_name"] = me.ApplicationName()
	// Nothing is prepared by name: behind a pooler the next statement may go to another server process.
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	allowed, err := ask(ctx, config, canIRun, me.App, me.Version)
	if err != nil {
		slog.Warn("could not ask whether this version may run; starting all the same", "error", err)
	} else if !allowed {
		return ErrFenced
	}
	go report(ctx, config, me, onFenced)
	return nil
}

func report(ctx context.Context, config *pgx.ConnConfig, me Instance, onFenced func()) {
	told, failing := false, false
	for ctx.Err() == nil {
		allowed, err := ask(ctx, config, heartbeat, me.App, me.Version, me.Name)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			slog.Warn("a heartbeat failed; the app goes on, and so do heartbeats", "error", err)
		case err == nil && failing:
			slog.Warn("heartbeats work again")
		}
		failing = err != nil
		if err == nil && !allowed && !told {
			slog.Error("this version may not work on the database any more: shutting down")
			onFenced()
			told = true
		}
		select {
		case <-ctx.Done():
		// Instances that were started together don't stay together.
		case <-time.After(time.Duration(float64(interval) * (0.8 + 0.4*rand.Float64()))):
		}
	}
}

// ask connects for one question: a pool that is used up delays none.
func ask(ctx context.Context, config *pgx.ConnConfig, statement string, values ...any) (allowed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	connection, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return false, err
	}
	defer connection.Close(ctx)
	err = connection.QueryRow(ctx, statement, values...).Scan(&allowed)
	return allowed, err
}
