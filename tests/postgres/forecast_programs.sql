-- Programs that are run statement by statement in a transaction and rolled back, on the schema of forecast_live.sql.
-- An empty line ends a program; one below a line that says so runs from PostgreSQL 18 on only.

alter table users add column x int;

alter table parents add column x int default drawn();

alter table only parents alter note set default 'x';

alter table parents alter note set default 'x';

alter table parents alter note set not null;

alter table parents alter note set statistics 10;

alter table parents alter note set (n_distinct=4);

alter table parents alter note set storage external;

alter table parents alter note set compression pglz;

alter table parents drop constraint noted;

alter table parents add constraint c check (id>0);

alter table parents add constraint c check (id>0) no inherit;

alter table parents add constraint c check (id>0) not valid;
alter table parents validate constraint c;

alter table parents add primary key (id);

alter table parents add unique (id);

alter table parents rename column note to remark;
alter table parents alter remark set not null;

alter table parents rename constraint noted to n2;

alter table parents drop column note;

alter table parents alter note type varchar(20);

alter table parents alter note type varchar;

alter table parents disable trigger all;

alter table parents enable row level security;

alter table parents rename to parents9;
alter table parents9 add column y int;
drop table parents9 cascade;

alter table children no inherit parents;

drop table parents cascade;

truncate parents;

truncate only parents;

truncate teams cascade;

truncate events cascade;

alter table events add column x int default drawn();

alter table events add constraint c check (id>0) not valid;
alter table events validate constraint c;

alter table events add constraint c check (id>0);

alter table events alter team set not null;

alter table events alter team type bigint;

alter table events alter id type bigint;

alter table events add foreign key (team) references teams;

alter table events add constraint u unique (team, at);

alter table events drop constraint events_pkey cascade;

alter table events drop column team;

alter table events drop column id cascade;

alter table remarks drop constraint remarks_event_at_fkey;

drop table remarks;

drop table events cascade;

drop table events_2 cascade;

drop table events_1 cascade;

alter table events attach partition old_events for values from ('2023-01-01') to ('2024-01-01');

alter table old_events drop constraint old_events_at_check;
alter table events attach partition old_events for values from ('2023-01-01') to ('2024-01-01');

delete from remarks;
alter table events detach partition events_1;

delete from remarks;
alter table events detach partition events_rest;

delete from remarks;
alter table events detach partition events_2;

create table events_3 partition of events for values from ('2023-01-01') to ('2024-01-01');

create table events_2b partition of events_2 for values from ('2025-07-01') to ('2026-01-01');

create table logs_d partition of logs for values in ('d');

alter table logs attach partition logs_c for values in ('c');

alter table logs detach partition logs_a;

drop table logs_a;

drop table logs;

alter table logs drop constraint logs_team_fkey;

alter table logs drop column team;

create index on events (kind);

create index on only events (kind);

drop index events_team;

reindex table lonely;

reindex table users;

reindex index users_email;

create trigger t before insert on events for each row execute function touch();

create trigger t after insert on events for each statement execute function touch();

drop trigger logged on logs;

alter trigger logged on logs rename to l2;
drop trigger l2 on logs;

alter table logs disable trigger logged;

alter table logs disable trigger all;

drop trigger touched on users;

drop function touch() cascade;

drop view adults cascade;

drop view adult_mails;

alter view adults rename to grown;
drop view grown cascade;

alter view adults alter column email set default 'x';

alter view adults set schema moved;
drop table users cascade;

alter materialized view counted rename to c2;
refresh materialized view c2;

refresh materialized view counted with no data;

refresh materialized view concurrently counted;

drop table users cascade;

drop table teams cascade;

drop table notes;

alter table users drop column email cascade;

alter table users drop column id cascade;

alter table users drop constraint users_pkey cascade;

alter table teams alter id type bigint;

alter table teams drop constraint teams_pkey cascade;

drop view adult_mails;
drop view adults;
alter table users alter email type varchar(60);

drop view adult_mails;
drop view adults;
alter table users alter email type text collate "C";

alter table users alter nick type varchar;

alter table users alter nick type text collate "C";

alter table users alter spent type int;

alter table users alter spent type amount;

alter table users alter spent type positive;

drop view adults cascade;
alter table users rename age to years;
alter table users alter years set not null;

alter table users alter age set not null, drop constraint age_known;

alter table users alter age set not null;
alter table users drop constraint age_known;

drop view adults cascade;
alter table users drop column age;

alter table users add constraint u unique using index users_age;

alter table users drop constraint users_pkey cascade;
alter table users add constraint pk primary key using index users_age;

alter table users drop constraint users_pkey cascade;
alter table users add constraint pk primary key using index users_age;
alter table users alter age set not null;
alter table users rename constraint pk to p2;
alter table users drop constraint p2;

alter domain amount add constraint pos check (value > 0);

alter domain amount add constraint pos check (value > 0) not valid;
alter domain amount validate constraint pos;

alter domain big_amount set not null;

alter domain amount drop not null;

alter domain amount rename to am;
alter domain am add check (value>0);

drop domain amount cascade;

drop type pair cascade;

alter type pair add attribute c int cascade;

alter type pair rename attribute a to z cascade;

alter type mood rename to feeling;

drop sequence numbers cascade;

alter sequence numbers owned by users.number;

alter sequence numbers restart;

select setval('numbers', 4);

create table x (id int references users, t int references teams);
drop table x;

create table x (id int, e int, at date, foreign key (e, at) references events);

create table x (like users including all);

create table x () inherits (parents);

create table x of pair;

create table x as select * from users;

select * into x from users;

create view v as select * from users;

create or replace view adult_mails as select email from adults;

create materialized view m as select * from users;

create policy p on users using (true);
alter policy p on users using (false);
drop policy p on users;

drop policy mine on users;

create rule r as on insert to lonely do instead nothing;
alter rule r on lonely rename to r2;
drop rule r2 on lonely;

create statistics s on team, number from users;
alter statistics s set statistics 10;
drop statistics s;

drop statistics users_both;

create publication pub for table users, events, parents;
alter publication pub set table lonely;
alter publication pub drop table lonely;
drop publication pub;

create publication pub for tables in schema live;

comment on table users is 'x';
comment on column lonely.id is 'x';

comment on view adults is 'x';
comment on column adults.id is 'x';
comment on materialized view counted is 'x';

comment on index users_email is 'x';
comment on constraint age_known on users is 'x';
comment on trigger touched on users is 'x';
comment on policy mine on users is 'x';

comment on type mood is 'x';
comment on function touch() is 'x';
comment on schema live is 'x';
comment on column pair.a is 'x';
comment on sequence numbers is 'x';
comment on domain amount is 'x';
comment on constraint positive_check on domain positive is 'x';

grant select on users to public;
grant select (id) on events to public;
revoke all on events from public;
grant usage on sequence numbers to public;

lock table users in share mode;
lock table events in row exclusive mode;
lock table only parents in exclusive mode;

lock table adult_mails in exclusive mode;

insert into users (team, email, age) values (1, 'x', 1);

update users set age = 21 where id = 1;

update teams set name = 'x' where id=1;

update events set team = 2;

delete from notes;

delete from users where id = 1;

select * from users for update;

with x as (update lonely set id = 2 returning *) select * from x;

analyze users;

analyze events;

analyze parents;

cluster users using users_email;

alter table users replica identity full;

alter table users cluster on users_email;

alter table events set schema moved;

alter table users set schema moved;
alter table moved.users add column z int;

alter schema live rename to live2;
alter table live2.users add column z int;

alter index users_email rename to ue;
drop index ue;

alter table users_email rename to ue;

alter index users_email set (fillfactor=50);

alter table users owner to current_user;
alter table events owner to current_user;
alter view adults owner to current_user;

alter table teams drop column name;
alter table teams drop column code;
alter table teams rename id to ident;
alter table users drop constraint users_team_fkey;

alter table users alter constraint users_team_fkey deferrable;

alter table logs alter constraint logs_team_fkey deferrable initially deferred;

alter table users drop column if exists nope;
alter table users drop constraint if exists nope;
drop trigger if exists nope on users;
drop index if exists nope;
drop table if exists nope;
alter table if exists nope add column x int;
drop policy if exists nope on users;
drop rule if exists nope on users;

alter table users add column if not exists age int;

alter table users alter age set default 4, alter nick drop default, add column q int not null default 4, set (fillfactor=70);

alter table users add column m mood default 'calm';
alter table users add column p positive;

alter table users add column t2 int default 1 references teams;
alter table users drop column t2;

alter table users add column t2 int references teams;

alter table users add column n int not null generated always as (age + 1) stored;

alter table users add column n uuid default gen_random_uuid(), add column k timestamptz default now();

create schema s2;
drop schema s2;

create function f() returns int language sql as 'select 1';
drop function f();

create function f() returns int language sql as 'select 1';
alter table lonely add column z int default f();

create function f() returns int language plpgsql as 'begin return 1; end';
alter table lonely add column z int default f();

alter table notes add constraint fk2 foreign key ("user") references users not valid;
alter table notes validate constraint fk2;
alter table notes drop constraint fk2;

drop schema live cascade;

create or replace function touch() returns trigger language plpgsql as 'begin return null; end';

explain select * from users;

merge into lonely using teams on lonely.id = teams.id when matched then update set note = 'x';

create unlogged table x (id int);

alter table lonely set unlogged;
alter table lonely set logged;

create temp table x (id int);
alter table x add column y int;

alter table users enable always trigger touched;

alter table users alter id set generated always;
alter table users alter id restart;
alter table users alter id drop identity;

alter table users add exclude using btree (nick with =);

alter table parents add foreign key (id) references teams;

alter table parents add constraint fk foreign key (id) references teams not valid;
alter table parents validate constraint fk;
alter table parents drop constraint fk;

alter table logs add primary key (id, kind);

delete from remarks;
alter table events drop constraint events_pkey cascade;
alter table events add primary key (id, at);

alter table logs add constraint u unique (id, kind);
alter table logs rename constraint u to v;
alter table logs drop constraint v;

create table ev (id int, at int) partition by range (at);
create table ev1 partition of ev for values from (1) to (9) partition by range (at);
create table ev2 partition of ev1 for values from (1) to (5);
alter table ev detach partition ev1;

alter table logs attach partition logs_c for values in ('c');
alter table logs add column z int;
alter table logs detach partition logs_c;
drop table logs_c;

alter table logs_c add foreign key (team) references teams;
alter table logs attach partition logs_c for values in ('c');
drop table logs_c;

alter table events drop column kind, add column m int, alter team set not null, add check (team > 0);

alter table only parents add check (id > 0) no inherit;

alter table parents add constraint nn check (id is not null);
alter table parents alter id set not null;
alter table parents drop constraint nn;

alter table events add constraint nn check (team is not null) not valid;
alter table events validate constraint nn;
alter table events alter team set not null;
alter table events drop constraint nn;

alter table users add constraint a check (nick is not null and age > 0) not valid;
alter table users validate constraint a;
alter table users alter nick set not null;

alter table users add constraint a check (not (nick is null));
alter table users alter nick set not null;

alter table users add constraint a check (nick is not null or age > 0);
alter table users alter nick set not null;

alter table users alter born type timestamptz;

create index on users (born);
alter table users alter born type timestamptz;

create index on users (spent);
alter table users alter spent type int;
alter table users alter spent type bigint;

drop view adults cascade;
create index i2 on users (email) where age > 3;
alter table users alter email type text;

drop view adults cascade;
alter table users drop constraint users_email_check;
alter table users alter email type text;

drop view adults cascade;
alter table users add constraint nv check (email <> 'x') not valid, drop constraint users_email_check;
alter table users alter email type varchar(80);

alter table teams alter code type varchar(30);

alter table notes alter "user" type int;

alter table users alter number drop default;
drop sequence numbers;

alter table events alter column id set statistics 100, alter column team set storage plain;

alter table events rename column team to squad;
alter index events_team rename to events_squad;
drop index events_squad;

alter table events_1 rename to ev1;
alter table events alter team set default 4;
drop table ev1 cascade;

create index i on only events (kind);
create index i1 on events_1 (kind);
alter index i attach partition i1;
drop index i;

drop index live.events_team;

alter table events_rest add constraint no_2030 check (at < '2030-01-01' or at >= '2031-01-01');
create table e30 partition of events for values from ('2030-01-01') to ('2031-01-01');

delete from remarks;
alter table events_rest add constraint no_2030 check (at < '2030-01-01');
create table e30 partition of events for values from ('2030-01-01') to ('2031-01-01');

alter table logs detach partition logs_b;
alter table logs_b add check (kind = 'b');
alter table logs attach partition logs_b for values in ('b', 'z');

alter table logs detach partition logs_b;
alter table logs_b add check (kind = 'b');
alter table logs attach partition logs_b for values in ('b');

alter table logs detach partition logs_b;
alter table logs_b add check (kind in ('b', 'q'));
alter table logs attach partition logs_b for values in ('b');

create table p2 (id int) inherits (parents);
alter table parents add column k int;
alter table p2 no inherit parents;

drop table lonely, notes;

drop table users, notes cascade;

drop view adults, adult_mails;

truncate users, notes;

alter table users disable row level security, force row level security;

set search_path = moved, public;
create table here (id int references live.teams);
alter table live.lonely add column a int;

set timezone = 'Europe/Berlin';
alter table users alter born type timestamptz;

alter table users add unique (number, nick);
alter table users drop constraint users_number_nick_key;

alter table users add check (number > 0);
alter table users drop constraint users_number_check;

alter table notes add foreign key ("user") references users;
alter table notes drop constraint notes_user_fkey1;

alter table users add column s serial;
alter table users add column b bigserial;

create domain d2 as int default drawn();
alter table lonely add column z d2;

create domain d2 as int default 4;
alter table lonely add column z d2 not null;

alter table lonely add column z positive[];

alter table lonely add column z text collate "C" default random()::text;

alter table lonely set access method heap;

alter type mood add value 'mad';

alter table adults rename column email to mail;

alter materialized view counted rename column n to m;
alter materialized view counted set (fillfactor=50);
drop materialized view counted;

create rule r as on delete to lonely do instead nothing;
alter table lonely disable rule r;

create constraint trigger ct after insert on users from teams deferrable for each row execute function touch();

create or replace trigger touched before update on users for each row execute function touch();

alter table events replica identity full;

alter function touch() rename to touched_it;
alter function touched_it() set schema moved;
alter function moved.touched_it() owner to current_user;

alter view adults set (security_barrier=true);
alter view adults reset (security_barrier);

create recursive view rv (n) as select 1;
create temp view tv as select * from users;

alter sequence numbers owned by none;
alter sequence numbers rename to nn;
alter sequence nn set schema moved;
create sequence s9 owned by lonely.id;

alter table numbers rename to nn2;
alter table users_pkey rename to up;
alter table adults rename to ad2;
drop view ad2 cascade;

create publication pub for table users (id, email) where (age > 3);
alter publication pub set (publish='insert');
alter publication pub owner to current_user;
alter publication pub rename to pub2;

alter default privileges in schema live grant select on tables to public;
grant all on all tables in schema live to current_user;

prepare q as update lonely set id = 1;
deallocate q;

explain update lonely set id = 1;

explain (analyze) update lonely set id = 1;

set local statement_timeout = '1s';
set constraints all immediate;
show search_path;

alter table teams alter column id set default 5;

alter table users alter column team drop not null;

delete from remarks;
alter table events_rest add constraint no_2030 check (at < '2030-01-01' or at >= '2031-01-01');
create table e30 partition of events for values from ('2030-01-01') to ('2031-01-01');

alter table events_1 rename constraint events_1_pkey to e1;
delete from remarks;
alter table events detach partition events_1;
alter table events_1 add check (at >= '2024-01-01' and at < '2025-01-01');
alter table events attach partition events_1 for values from ('2024-01-01') to ('2025-01-01');

alter table users add column s int generated always as (age + 1) stored;
alter table users alter s drop expression;

alter table events alter team set not null;
alter table events alter team add generated by default as identity;
alter table events alter team drop identity;

alter table children drop column extra;
alter table grandchildren no inherit children;
drop table grandchildren;

drop table children cascade;

create table kid () inherits (parents, lonely);
drop table kid;

drop materialized view counted;
create materialized view counted as select 1 as a;
refresh materialized view counted;

alter table users drop constraint users_team_fkey, add constraint again foreign key (team) references teams not valid;
alter table users validate constraint again;

alter table teams rename to squads;
alter table users add column s2 int references squads;
alter table squads rename to teams;
drop table teams cascade;

create table copy (like users);
insert into copy select * from users;
alter table users rename to gone;
alter table copy rename to users;
alter table users add column z int;
drop table gone cascade;

alter table notes rename column "user" to owner;
alter table users rename column id to key;
alter table notes drop column owner;

drop view adults cascade;
alter table users drop column email;
create view adults as select id from users;
alter table users drop column id cascade;

create table t2 (id int primary key, "user" bigint);
alter table t2 add constraint fk foreign key ("user") references users not valid;
alter table users drop constraint users_pkey cascade;

alter table notes set unlogged;
alter table notes set logged;

alter table users set without cluster, alter age set statistics 7;

alter table users validate constraint age_known, validate constraint users_team_fkey;

alter type pair owner to current_user;
alter type pair set schema moved;
alter type moved.pair drop attribute b cascade;

alter table pairs not of;
alter table pairs of pair;

alter domain positive drop constraint positive_check;
alter domain positive set default 4;
alter table lonely add column z positive;

alter domain positive rename constraint positive_check to above_zero;
alter domain positive drop constraint above_zero;
alter table lonely add column z positive;

create domain email as text check (value like '%@%');
alter domain email drop constraint email_check;
alter table lonely add column z email;

alter domain amount set schema moved;
alter domain moved.amount add check (value > 0);

create function live.stable_one() returns int language sql stable as 'select 1';
alter table lonely add column z int default live.stable_one();

create function wrapped() returns int language sql as 'select drawn()';
alter table lonely add column z int default wrapped();

create function two() returns int language sql as 'select 1 from teams';
alter table lonely add column z int default two();

alter table lonely add column z text default to_char(clock_timestamp(), 'YYYY'), add column y int default (1 + 2) * 3, add column x text default upper('a');

alter table lonely add column z uuid default pg_catalog.gen_random_uuid();

alter table lonely add column z timestamptz not null default statement_timestamp();

alter table lonely alter id type text using lpad(id::text, 8), alter note type varchar(9);

alter table lonely alter note type varchar using note::varchar;
alter table lonely alter note type varchar(20);
alter table lonely alter note type varchar(30);
alter table lonely alter note type text;

alter type pair rename to couple;
alter type couple add attribute z int cascade;
alter type couple rename attribute z to y cascade;

drop view adults cascade;
drop materialized view counted;
alter table users alter team type bigint, alter nick type varchar(100), add column z int default 4;

drop view adults cascade;
drop materialized view counted;
alter table users alter id type int;

alter table notes drop constraint notes_user_fkey;
drop table notes;
alter table users add check (number > 0 and age > 0);
alter table users drop constraint users_check;

alter table users alter age set not null;
alter table users replica identity using index users_age;
alter table users alter age add generated always as identity;

alter table lonely add constraint noted check (note <> '');
alter table lonely inherit parents;
alter table parents add column y int;

alter table only events alter team set default 4;
alter table only parents drop constraint noted;

drop table remarks;
alter table events detach partition events_2;
alter table events_2 add column z int;
drop table events_2a;

create table typed of pair;
alter table typed add primary key (a);
drop table typed;

alter table only parents alter note set default 'x', drop constraint noted;

alter table only parents drop column note;

alter table parents alter note set not null;
alter table only parents alter note drop not null;

alter table only parents set (fillfactor = 50);
alter table only parents rename to p3;

-- from 18
alter table events add foreign key (team) references teams not valid;

-- from 18
alter table parents add constraint nn not null note not valid;
alter table parents validate constraint nn;
alter table parents alter note drop not null;

-- from 18
alter table parents add constraint nn not null note not valid;
alter table parents alter note set not null;
alter table parents drop constraint nn;

-- from 18
alter table parents add constraint nn not null note no inherit;

-- from 18
alter table users add constraint nn not null nick;
alter table users add constraint nn2 not null age;

-- from 18
alter table users alter constraint users_team_fkey not enforced;
alter table users alter constraint users_team_fkey enforced;

-- from 18
alter table logs alter constraint logs_team_fkey not enforced;
alter table logs alter constraint logs_team_fkey enforced;

-- from 18
alter table remarks alter constraint remarks_event_at_fkey not enforced;

-- from 18
alter table users add constraint ne foreign key (age) references teams not enforced;
alter table users drop constraint ne;

-- from 18
alter table events add foreign key (team) references teams not valid;
alter table events validate constraint events_team_fkey;

-- from 18
drop view adults cascade;
alter table users add constraint ne check (age > 3) not enforced;
alter table users alter age type bigint;

-- from 18
alter table lonely add column v int generated always as (id + 1) virtual;
alter table lonely alter v set expression as (id + 2);
alter table lonely alter v set not null;
alter table lonely alter v set expression as (id + 3);

-- from 18
alter table lonely add column v int not null generated always as (id + 1) virtual;

create table folded (id int, team int, kind text not null) partition by list (lower(kind));
alter table folded attach partition logs_c for values in ('c');

alter table logs detach partition logs_b;
alter table logs rename column kind to sort;
alter table logs_b add check (kind = 'b');
alter table logs_b rename column kind to sort;
alter table logs attach partition logs_b for values in ('b');

alter table logs drop constraint logs_team_fkey;
alter table logs attach partition logs_c for values in ('c');

create table kinds (id int, team int, kind text not null) partition by list (kind);
alter table kinds attach partition logs_c for values in ('c');

create table pets(id int, team int);
alter table pets add foreign key (team) references teams;

create table pets(id int, team int);
insert into pets values (1, 1);
alter table pets add foreign key (team) references teams;

create table pets(id int, team int references teams);
alter table pets add column other int default 1 references teams;
