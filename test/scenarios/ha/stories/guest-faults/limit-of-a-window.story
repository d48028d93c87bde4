A guest crashes three times in a few minutes, and two restarts are allowed in four: the third has to wait, with an alarm,
until the first has left the window.

cluster c1: 3 hosts of 16 cores and 64 GiB
set c1: guestRestarts 2, guestWindowMinutes 4
vm web on h1: faultProcess reboot

at 10s: fault guest-crash web
60s after web has started once: fault guest-crash web
60s after web has started twice: fault guest-crash web
run until 500s
expect once alarm guest-restarts-exhausted on web; web runs on h1 with a newer epoch; no alarm
