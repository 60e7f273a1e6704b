# Makes data.csv and golden.json, from rows: predictions of case mix with slopes from within units (glm with a dummy a unit)
# and one intercept by uniroot; tenths of predicted risk; observed means with CR2 errors by clubSandwich; calibration slope
# by glm; c-statistic by comparing every pair, with the variance of Obuchowski (1997) written out cluster by cluster.
suppressPackageStartupMessages({library(clubSandwich); library(jsonlite)})
set.seed(20261125)
units <- 24; sizes <- round(runif(units, 30, 110))
d <- data.frame(unit = rep(sprintf("U%02d", 1:units), sizes))
n <- nrow(d)
d$age <- sample(letters[1:5], n, TRUE, c(.3, .25, .2, .15, .1)); d$sex <- sample(c("F", "M"), n, TRUE)
d$ill <- sample(c("none", "some", "severe"), n, TRUE, c(.5, .3, .2))
b <- rnorm(units, 0, .4)[match(d$unit, unique(d$unit))]
eta <- .35 * (match(d$age, letters) - 1) - .2 * (d$sex == "M") + .5 * (d$ill == "some") + 1.1 * (d$ill == "severe") + b
d$died <- rbinom(n, 1, plogis(-2.2 + eta)); d$days <- rpois(n, exp(.8 + .5 * eta) * rgamma(n, 3, 3))
d$cost <- round(rgamma(n, 2, 2 / exp(8 + .5 * eta)), 2) + .01; d$y <- round(70 - 6 * eta + rnorm(n, 0, 10), 2)
write.csv(d, "data.csv", row.names = FALSE)
d <- read.csv("data.csv", stringsAsFactors = TRUE)
ctl <- glm.control(epsilon = 1e-14, maxit = 200)
fit <- function(f, family, data) {
  m <- do.call("glm", list(f, family = family, data = data, control = ctl))
  for (i in 1:12) m <- do.call("glm", list(f, family = family, data = data, control = ctl, start = coef(m)))
  m
}
tested <- function(m, cluster) {
  t <- coef_test(m, vcov = "CR2", cluster = cluster, test = "Satterthwaite")
  list(estimate = unname(coef(m)), se = t$SE, df = if ("df_Satt" %in% names(t)) t$df_Satt else t$df)
}
mix <- model.matrix(~ age + sex + ill, d)[, -1]
one <- function(y, family) {
  d$Y <- d[[y]]
  slopes <- tail(coef(fit(Y ~ 0 + unit + mix, family, d)), ncol(mix))
  base <- drop(mix %*% slopes)
  a <- uniroot(function(a) sum(family$linkinv(a + base)) - sum(d$Y), c(-30, 120), tol = 1e-14)$root
  d$lp <- signif(a + base, 12); mu <- family$linkinv(a + base)
  # Ties stay together, in the tenth of their middle patient.
  middle <- (rank(d$lp, ties.method = "average") - .5) / nrow(d)
  d$tenth <- factor(floor(10 * middle))
  m <- lm(Y ~ 0 + tenth, d)
  half <- with(tested(m, d$unit), qt(.975, df) * se)
  list(n = as.vector(table(d$tenth)), expected = unname(tapply(mu, d$tenth, mean)), observed = unname(coef(m)), half = half,
       calibration = tested(fit(Y ~ lp, family, d), d$unit),
       explained = 1 - sum((d$Y - mu)^2) / sum((d$Y - mean(d$Y))^2), lp = sort(unique(d$lp)))
}
golden <- list(died = one("died", binomial()), days = one("days", quasipoisson()), cost = one("cost", Gamma("log")),
               y = one("y", gaussian()))
slopes <- tail(coef(fit(died ~ 0 + unit + mix, binomial(), d)), ncol(mix))
p <- signif(drop(mix %*% slopes), 12); case <- d$died == 1
wins <- outer(p[case], p[!case], function(a, b) (a > b) + .5 * (a == b))
area <- mean(wins); x <- rowMeans(wins); z <- colMeans(wins)
u <- levels(d$unit); I <- length(u); M <- sum(case); N <- sum(!case)
X <- sapply(u, function(i) sum(x[d$unit[case] == i]) - sum(d$unit[case] == i) * area)
Z <- sapply(u, function(i) sum(z[d$unit[!case] == i]) - sum(d$unit[!case] == i) * area)
I10 <- length(unique(d$unit[case])); I01 <- length(unique(d$unit[!case]))
s10 <- I10 / ((I10 - 1) * M) * sum(X^2); s01 <- I01 / ((I01 - 1) * N) * sum(Z^2); s11 <- I / (I - 1) * sum(X * Z)
golden$c <- list(estimate = area, se = sqrt(s10 / M + s01 / N + 2 * s11 / (M * N)),
                 wilcox = unname(wilcox.test(p[case], p[!case], exact = FALSE)$statistic) / (M * N))
write_json(golden, "golden.json", digits = NA, auto_unbox = TRUE, pretty = FALSE)
writeLines(c(R.version.string, paste("clubSandwich", packageVersion("clubSandwich"))), "VERSIONS")
