CREATE TABLE schedulezero_schema (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT schedulezero_schema_pkc PRIMARY KEY (version_num)
);

CREATE TABLE schedules (
	id VARCHAR(200) COLLATE "C" NOT NULL,
	shard SMALLINT NOT NULL,
	generation VARCHAR(64) COLLATE "C" NOT NULL,
	version BIGINT NOT NULL,
	request TEXT NOT NULL,
	state VARCHAR(16) COLLATE "C" NOT NULL,
	decided_through BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	next_fire BIGINT,
	due_at BIGINT,
	last_fire BIGINT,
	runs BIGINT NOT NULL,
	pause TEXT,
	error TEXT,
	handler_id VARCHAR(200) COLLATE "C" NOT NULL,
	method_name VARCHAR(200) COLLATE "C" NOT NULL,
	name VARCHAR(200) COLLATE "C",
	tags TEXT NOT NULL,
	PRIMARY KEY (id)
);

CREATE TABLE executions (
	id VARCHAR(64) COLLATE "C" NOT NULL,
	shard SMALLINT NOT NULL,
	handler_id VARCHAR(200) COLLATE "C" NOT NULL,
	method_name VARCHAR(200) COLLATE "C" NOT NULL,
	params TEXT NOT NULL,
	status VARCHAR(16) COLLATE "C" NOT NULL,
	priority SMALLINT NOT NULL,
	created_at BIGINT NOT NULL,
	ready_at BIGINT NOT NULL,
	retry TEXT NOT NULL,
	schedule_id VARCHAR(200) COLLATE "C",
	generation VARCHAR(64) COLLATE "C",
	fire_time BIGINT,
	timeout_seconds DOUBLE PRECISION,
	expires_at BIGINT,
	tags TEXT NOT NULL,
	retry_of VARCHAR(64) COLLATE "C",
	serial SMALLINT NOT NULL,
	reason VARCHAR(16) COLLATE "C",
	attempt INTEGER NOT NULL,
	claim BIGINT NOT NULL,
	cancel_requested SMALLINT NOT NULL,
	instance_id VARCHAR(200) COLLATE "C",
	boot_id VARCHAR(200) COLLATE "C",
	started_at BIGINT,
	completed_at BIGINT,
	result TEXT,
	error TEXT,
	covers_from BIGINT,
	covers_to BIGINT,
	covers_count BIGINT,
	count_exact SMALLINT NOT NULL,
	PRIMARY KEY (id)
);

CREATE UNIQUE INDEX ledger ON executions (schedule_id, generation, fire_time) WHERE fire_time IS NOT NULL;

CREATE INDEX newest ON executions (created_at, id);

CREATE INDEX newest_of_schedule ON executions (schedule_id, created_at, id) WHERE schedule_id IS NOT NULL;

CREATE INDEX newest_unsuccessful ON executions (status, created_at, id) WHERE status IN ('error', 'timeout', 'cancelled', 'skipped');

CREATE INDEX unfinished ON executions (status, handler_id, method_name, priority DESC, ready_at, id, schedule_id) WHERE status IN ('pending', 'running', 'retrying');

CREATE TABLE attempts (
	execution_id VARCHAR(64) COLLATE "C" NOT NULL,
	attempt INTEGER NOT NULL,
	claim BIGINT NOT NULL,
	instance_id VARCHAR(200) COLLATE "C",
	started_at BIGINT,
	completed_at BIGINT NOT NULL,
	status VARCHAR(16) COLLATE "C" NOT NULL,
	error TEXT,
	PRIMARY KEY (execution_id, attempt, claim)
);

CREATE TABLE execution_logs (
	execution_id VARCHAR(64) COLLATE "C" NOT NULL,
	seq BIGINT NOT NULL,
	attempt INTEGER NOT NULL,
	at BIGINT NOT NULL,
	level TEXT NOT NULL,
	event TEXT NOT NULL,
	fields TEXT NOT NULL,
	PRIMARY KEY (execution_id, seq)
);

CREATE TABLE idempotency_keys (
	id VARCHAR(64) COLLATE "C" NOT NULL,
	digest VARCHAR(200) COLLATE "C" NOT NULL,
	execution_ids TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (id)
);

CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at);

CREATE TABLE handlers (
	handler_id VARCHAR(200) COLLATE "C" NOT NULL,
	first_seen BIGINT NOT NULL,
	methods TEXT NOT NULL,
	PRIMARY KEY (handler_id)
);

CREATE TABLE pauses (
	handler_id VARCHAR(200) COLLATE "C" NOT NULL,
	pause TEXT,
	PRIMARY KEY (handler_id)
);

CREATE TABLE execution_counts (
	span SMALLINT NOT NULL,
	period BIGINT NOT NULL,
	handler_id VARCHAR(200) COLLATE "C" NOT NULL,
	schedule_id VARCHAR(200) COLLATE "C" NOT NULL,
	total BIGINT NOT NULL,
	success BIGINT NOT NULL,
	error BIGINT NOT NULL,
	PRIMARY KEY (span, period, handler_id, schedule_id)
);

CREATE TABLE execution_durations (
	span SMALLINT NOT NULL,
	period BIGINT NOT NULL,
	bucket SMALLINT NOT NULL,
	count BIGINT NOT NULL,
	microseconds BIGINT NOT NULL,
	PRIMARY KEY (span, period, bucket)
);

CREATE TABLE owners (
	owner VARCHAR(200) COLLATE "C" NOT NULL,
	epoch BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (owner)
);

CREATE TABLE shard_leases (
	shard SMALLINT NOT NULL,
	owner VARCHAR(200) COLLATE "C",
	epoch BIGINT NOT NULL,
	PRIMARY KEY (shard)
);

ALTER TABLE executions ADD COLUMN notify TEXT;

CREATE TABLE notifications (
	id VARCHAR(64) COLLATE "C" NOT NULL,
	shard SMALLINT NOT NULL,
	execution_id VARCHAR(64) COLLATE "C" NOT NULL,
	receiver VARCHAR(300) COLLATE "C" NOT NULL,
	url TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	due_at BIGINT NOT NULL,
	attempt INTEGER NOT NULL,
	PRIMARY KEY (id)
);

CREATE INDEX owed ON notifications (receiver, due_at, id);

ALTER TABLE schedules ADD COLUMN times_since BIGINT;

CREATE TABLE spells (
	kind VARCHAR(20) COLLATE "C" NOT NULL,
	subject VARCHAR(200) COLLATE "C" NOT NULL,
	began BIGINT NOT NULL,
	ended BIGINT,
	actor TEXT,
	note TEXT,
	PRIMARY KEY (kind, subject, began)
);

CREATE INDEX ended_spells ON spells (ended);

CREATE INDEX line ON executions (schedule_id, created_at, id) WHERE serial = 1 AND status = 'pending';

CREATE INDEX replays ON executions (retry_of) WHERE retry_of IS NOT NULL;

CREATE INDEX newest_of_handler ON executions (handler_id, created_at, id);

ALTER TABLE schedules ADD COLUMN pauses_seen BIGINT DEFAULT '0' NOT NULL;

ALTER TABLE pauses ADD COLUMN past_count BIGINT DEFAULT '0' NOT NULL;

ALTER TABLE pauses ADD COLUMN past_ended BIGINT DEFAULT '0' NOT NULL;

CREATE INDEX upcoming ON schedules (due_at, id) WHERE due_at IS NOT NULL;

CREATE INDEX resting ON schedules (state, id) WHERE due_at IS NULL;

INSERT INTO schedulezero_schema (version_num) VALUES ('0007');

INSERT INTO schedules (id, shard, generation, version, request, state, decided_through, created_at, updated_at, next_fire, due_at, last_fire, runs, pause, error, handler_id, method_name, name, tags, times_since, pauses_seen) VALUES
('nightly', 26, 'g1', 3, '{"handler_id":"reports","method_name":"do_work","job_params":{ "x" : 1.0 , "e": "🦀" },"name":"NUL \u0000, emoji 🦀, quotes '' \" \\, % _ , line\nbreak,  , space at the end ","description":"NUL \u0000, emoji 🦀, quotes '' \" \\, % _ , line\nbreak,  , space at the end ","trigger_config":{"type":"interval","seconds":10},"schedule_id":"nightly"}', 'active', 1790000000123456, 1790000000123456, 1790000000123456, NULL, NULL, NULL, 0, NULL, NULL, 'reports', 'do_work', 'NUL  , emoji 🦀, quotes '' " \, % _ , line
break,  , space at the end ', '', NULL, 0);

INSERT INTO executions (id, shard, handler_id, method_name, params, status, priority, created_at, ready_at, retry, schedule_id, generation, fire_time, timeout_seconds, expires_at, tags, retry_of, serial, reason, attempt, claim, cancel_requested, instance_id, boot_id, started_at, completed_at, result, error, covers_from, covers_to, covers_count, count_exact, notify) VALUES
('parent', 15, 'größe', 'do_work', '{ "n" : 1 }', 'error', 1, 1790000000123457, 1790000000123457, '{"max_attempts":3,"base_seconds":1,"factor":2,"max_seconds":300,"jitter":0.5,"on_lost":true}', NULL, NULL, NULL, 0.24285714285714285, NULL, ',a,b.c,', NULL, 0, NULL, 0, 0, 0, NULL, NULL, 1790000000123458, 1790000000124458, NULL, '{"type":"E","message":"NUL \u0000, emoji 🦀, quotes '' \" \\, % _ , line\nbreak,  , space at the end ","traceback":"NUL \u0000, emoji 🦀, quotes '' \" \\, % _ , line\nbreak,  , space at the end "}', NULL, NULL, NULL, 1, NULL),
('01a0c450-6c7b-7720-bca9-d37952e6b438', 38, 'reports', 'do_work', '{ "n" : 0 }', 'success', 0, 1790000000123456, 1790000000123456, '{"max_attempts":3,"base_seconds":1,"factor":2,"max_seconds":300,"jitter":0.5,"on_lost":true}', 'nightly', 'g1', 1790000000123456, 0.1, NULL, ',a,b.c,', NULL, 0, NULL, 0, 0, 0, NULL, NULL, 1790000000123457, 1790000000123457, '{"x" : 1.50}', NULL, NULL, NULL, NULL, 1, NULL),
('01a0c450-6c7b-7724-9944-c9c3269e0d37', 15, 'größe', 'do_work', '{ "n" : 1 }', 'error', 1, 1790000000123457, 1790000000123457, '{"max_attempts":3,"base_seconds":1,"factor":2,"max_seconds":300,"jitter":0.5,"on_lost":true}', NULL, NULL, NULL, 0.24285714285714285, NULL, ',a,b.c,', NULL, 0, NULL, 0, 0, 0, NULL, NULL, 1790000000123458, 1790000000124458, NULL, '{"type":"E","message":"NUL \u0000, emoji 🦀, quotes '' \" \\, % _ , line\nbreak,  , space at the end ","traceback":"NUL \u0000, emoji 🦀, quotes '' \" \\, % _ , line\nbreak,  , space at the end "}', NULL, NULL, NULL, 1, NULL),
('01a0c450-6c7b-7728-8317-1ff4a6a3a450', 45, '🦀', 'do_work', '{ "n" : 2 }', 'pending', 2, 1790000000123458, 1790000000123458, '{"max_attempts":3,"base_seconds":1,"factor":2,"max_seconds":300,"jitter":0.5,"on_lost":true}', 'nightly', 'g1', 1790000000123458, 0.3857142857142857, NULL, ',a,b.c,', NULL, 0, NULL, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL),
('01a0c450-6c7b-772c-b48f-c209128b2f33', 16, 'reports', 'do_work', '{ "n" : 3 }', 'skipped', 3, 1790000000123459, 1790000000123459, '{"max_attempts":3,"base_seconds":1,"factor":2,"max_seconds":300,"jitter":0.5,"on_lost":true}', NULL, NULL, NULL, 0.5285714285714286, NULL, ',a,b.c,', NULL, 0, NULL, 0, 0, 0, NULL, NULL, NULL, 1790000000126460, NULL, NULL, NULL, NULL, NULL, 1, NULL),
('01a0c450-6c7b-7730-8606-3a04892f902b', 29, 'größe', 'do_work', '{ "n" : 4 }', 'cancelled', 4, 1790000000123460, 1790000000123460, '{"max_attempts":3,"base_seconds":1,"factor":2,"max_seconds":300,"jitter":0.5,"on_lost":true}', 'nightly', 'g1', 1790000000123460, 0.6714285714285714, NULL, ',a,b.c,', NULL, 0, NULL, 0, 0, 0, NULL, NULL, NULL, 1790000000127461, NULL, NULL, NULL, NULL, NULL, 1, NULL),
('01a0c450-6c7b-7734-a54c-66175d9dc9f8', 48, '🦀', 'do_work', '{ "n" : 5 }', 'success', 5, 1790000000123461, 1790000000123461, '{"max_attempts":3,"base_seconds":1,"factor":2,"max_seconds":300,"jitter":0.5,"on_lost":true}', NULL, NULL, NULL, 0.8142857142857143, NULL, ',a,b.c,', NULL, 0, NULL, 0, 0, 0, NULL, NULL, 1790000000123462, 1790000000128462, '{"x" : 1.50}', NULL, NULL, NULL, NULL, 1, NULL);

INSERT INTO attempts (execution_id, attempt, claim, instance_id, started_at, completed_at, status, error) VALUES
('parent', 1, 21474836489, NULL, NULL, 9, 'lost', '{"type":"E","message":"NUL \u0000, emoji 🦀, quotes '' \" \\, % _ , line\nbreak,  , space at the end ","traceback":null}');

INSERT INTO execution_logs (execution_id, seq, attempt, at, level, event, fields) VALUES
('parent', 1, 1, 2, '"info"', '"NUL \u0000, emoji 🦀, quotes '' \" \\, % _ , line\nbreak,  , space at the end "', '{"a" : 1}');

INSERT INTO notifications (id, shard, execution_id, receiver, url, created_at, due_at, attempt) VALUES
('n1', 1, 'parent', 'r', 'http://r/?🦀', 1, 2, 3);

INSERT INTO idempotency_keys (id, digest, execution_ids, created_at) VALUES
('0fdf510ef9f7d2ba2c4e58f1d267369ccb04ca3317f2de2eecd1f440d845586c', 'd', '["parent"]', 3);

INSERT INTO handlers (handler_id, first_seen, methods) VALUES
('🦀', 1, '[]');

INSERT INTO pauses (handler_id, pause, past_count, past_ended) VALUES
('h', '{"reason":"NUL \u0000, emoji 🦀, quotes '' \" \\, % _ , line\nbreak,  , space at the end ","paused_by":"local","paused_at":"2026-09-01T12:00:00.000001Z"}', 0, 0);

INSERT INTO spells (kind, subject, began, ended, actor, note) VALUES
('scheduler_up', '', 5, NULL, NULL, '"NUL \u0000, emoji 🦀, quotes '' \" \\, % _ , line\nbreak,  , space at the end "');

INSERT INTO execution_counts (span, period, handler_id, schedule_id, total, success, error) VALUES
(-1, 29833333, 'größe', '', 2, 0, 2),
(-1, 29833333, 'größe', 'nightly', 1, 0, 0),
(-1, 29833333, 'reports', '', 1, 0, 0),
(-1, 29833333, 'reports', 'nightly', 1, 1, 0),
(-1, 29833333, '🦀', '', 1, 1, 0),
(-1, 29833333, '🦀', 'nightly', 1, 0, 0);

INSERT INTO execution_durations (span, period, bucket, count, microseconds) VALUES
(-1, 29833333, 0, 1, 0),
(-1, 29833333, 80, 2, 2000),
(-1, 29833333, 99, 1, 5000);

INSERT INTO shard_leases (shard, owner, epoch) VALUES
(0, NULL, 1796074285),
(1, NULL, 1796074285),
(2, NULL, 1796074285),
(3, NULL, 1796074285),
(4, NULL, 1796074285),
(5, NULL, 1796074285),
(6, NULL, 1796074285),
(7, NULL, 1796074285),
(8, NULL, 1796074285),
(9, NULL, 1796074285),
(10, NULL, 1796074285),
(11, NULL, 1796074285),
(12, NULL, 1796074285),
(13, NULL, 1796074285),
(14, NULL, 1796074285),
(15, NULL, 1796074285),
(16, NULL, 1796074285),
(17, NULL, 1796074285),
(18, NULL, 1796074285),
(19, NULL, 1796074285),
(20, NULL, 1796074285),
(21, NULL, 1796074285),
(22, NULL, 1796074285),
(23, NULL, 1796074285),
(24, NULL, 1796074285),
(25, NULL, 1796074285),
(26, NULL, 1796074285),
(27, NULL, 1796074285),
(28, NULL, 1796074285),
(29, NULL, 1796074285),
(30, NULL, 1796074285),
(31, NULL, 1796074285),
(32, NULL, 1796074285),
(33, NULL, 1796074285),
(34, NULL, 1796074285),
(35, NULL, 1796074285),
(36, NULL, 1796074285),
(37, NULL, 1796074285),
(38, NULL, 1796074285),
(39, NULL, 1796074285),
(40, NULL, 1796074285),
(41, NULL, 1796074285),
(42, NULL, 1796074285),
(43, NULL, 1796074285),
(44, NULL, 1796074285),
(45, NULL, 1796074285),
(46, NULL, 1796074285),
(47, NULL, 1796074285),
(48, NULL, 1796074285),
(49, NULL, 1796074285),
(50, NULL, 1796074285),
(51, NULL, 1796074285),
(52, NULL, 1796074285),
(53, NULL, 1796074285),
(54, NULL, 1796074285),
(55, NULL, 1796074285),
(56, NULL, 1796074285),
(57, NULL, 1796074285),
(58, NULL, 1796074285),
(59, NULL, 1796074285),
(60, NULL, 1796074285),
(61, NULL, 1796074285),
(62, NULL, 1796074285),
(63, NULL, 1796074285);

