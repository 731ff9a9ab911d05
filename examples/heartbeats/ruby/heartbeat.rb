# frozen_string_literal: true

require "logger"
require "pg"

# Says to crossfade that this instance is live, and lets it end where its version may not work on the database any more.
#
# What goes wrong with a heartbeat is logged and never ends the app: only an answer of false does, at the start by
# Fenced, later by the block.
class Heartbeat
  # This version may not work on the database as it is now.
  class Fenced < StandardError
    def initialize(message = "this version may not work on the database as it is now; " \
                             "ask: crossfade can-i-run APP VERSION")
      super
    end
  end

  SECONDS = 20
  # One statement outside of a transaction block: its locks are gone as soon as it is answered, and a pooler in
  # transaction mode has nothing to keep. The time-out counts for this statement only.
  CAN_I_RUN = "SELECT crossfade.can_i_run($1, $2) FROM set_config('lock_timeout', '5s', true)"
  HEARTBEAT = "SELECT crossfade.heartbeat($1, $2, $3) FROM set_config('lock_timeout', '5s', true)"

  # For every connection of the app, so that crossfade and you can tell whose it is.
  def self.application_name(app, version, instance)
    "#{app}@#{version}/#{instance}"
  end

  # `app` as the plan's roster calls it; `instance` is a name of its own: host name, pod name.
  def initialize(url, app:, version:, instance:, log: Logger.new($stderr))
    @url = url
    @app = app
    @version = version
    @instance = instance
    @log = log
  end

  # Ask whether this version may run, then report it from a thread of its own until the process ends. Raises Fenced
  # where it may not. The block is called once when a heartbeat is told so later: it begins a shutdown and returns at
  # once, since an instance that finishes its work is still live and has to be reported.
  def start(&on_fenced)
    begin
      allowed = ask(CAN_I_RUN, @app, @version)
    rescue StandardError => e
      @log.warn("could not ask whether this version may run; starting all the same: #{e.message}")
    end
    raise Fenced if allowed == false

    Thread.new { report(on_fenced) }
  end

  private

  def report(on_fenced)
    told = failing = false
    loop do
      begin
        if ask(HEARTBEAT, @app, @version, @instance) == false && !told
          @log.fatal("this version may not work on the database any more: shutting down")
          on_fenced.call
          told = true
        end
        @log.warn("heartbeats work again") if failing
        failing = false
      rescue StandardError => e
        @log.warn("a heartbeat failed; the app goes on, and so do heartbeats: #{e.message}") unless failing
        failing = true
      end
      # Instances that were started together don't stay together.
      sleep(SECONDS * rand(0.8..1.2))
    end
  end

  # Each on a short connection of its own: a pool that is used up delays none.
  def ask(statement, *values)
    name = self.class.application_name(@app, @version, @instance)
    connection = PG.connect(@url, application_name: name, connect_timeout: 5, tcp_user_timeout: 5000)
    connection.exec_params(statement, values).getvalue(0, 0) == "t"
  ensure
    connection&.close
  end
end
