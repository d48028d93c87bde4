The probe is down for an hour, and a host dies meanwhile: found and recovered as soon as somebody looks again.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 10s: probe down
at 60s: fault host-power-loss h1
at 3600s: probe up
run until quiet
expect web run elsewhere with a newer epoch; web start elsewhere after 3599s; web start elsewhere before 3620s
expect alarm host-dead on h1; no other alarm
