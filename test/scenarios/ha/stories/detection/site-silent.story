A whole site does not answer. Of its hosts nothing is known, so nothing is done; the other site is served as ever.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
vm web on h1
vm shop on h3

at 10s: fault call-timeout site-a for 2m
at 40s: fault host-power-loss h3
run until 240s
expect web untouched; shop runs on h4 with a newer epoch
expect once alarm site-unreachable on site-a; alarm host-dead on h3; no other alarm; incident of h1 none
