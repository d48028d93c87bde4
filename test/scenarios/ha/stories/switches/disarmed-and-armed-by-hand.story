A cluster is disarmed for planned work, and one of its hosts dies: that is seen and told, and nothing is fenced or
started. As soon as it is armed again the host is recovered from.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 5s: disarm c1
at 30s: fault host-power-loss h1
at 150s: arm c1
run until quiet
expect once alarm host-dead on h1; web run elsewhere with a newer epoch
expect web start elsewhere after 150s; web start elsewhere before 160s; alarm host-dead on h1; no other alarm
