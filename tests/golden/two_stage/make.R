# Makes golden.json from ../glm/data.csv: unit effects by glm with a dummy a unit (case mix centred, so that effects refer
# to the mean patient), then random-effects regression by metafor (REML), with Knapp-Hartung tests for known variances.
suppressPackageStartupMessages({library(metafor); library(jsonlite)})
d <- read.csv("../glm/data.csv", stringsAsFactors = TRUE)
ctl <- glm.control(epsilon = 1e-14, maxit = 200)
d$zb <- (d$age == "b"); d$zc <- (d$age == "c"); d$zm <- (d$sex == "M")
for (z in c("zb", "zc", "zm")) d[[z]] <- d[[z]] - mean(d[[z]])
u <- unique(d[, c("unit", "hospital", "beds", "score")]); u <- u[order(u$unit), ]
effects <- function(y, family, data = d) {
  f <- as.formula(paste(y, "~ 0 + unit + zb + zc + zm"))
  m <- glm(f, family = family, data = data, control = ctl)
  for (i in 1:12) m <- glm(f, family = family, data = data, control = ctl, start = coef(m))
  k <- nlevels(droplevels(data$unit)); v <- vcov(m)[1:k, 1:k]
  list(effect = unname(coef(m)[1:k]), slopes = unname(coef(m)[-(1:k)]), cov = unname(v))
}
died <- tapply(d$died, d$unit, sum); n <- table(d$unit)
mixed <- names(died)[died > 0 & died < n]        # units with both
sub <- droplevels(d[d$unit %in% mixed, ])
e <- effects("died", binomial(), sub)
um <- u[u$unit %in% mixed, ]
# One unit without events: the penalised likelihood in its one parameter, slopes given.
firth <- sapply(setdiff(names(died), mixed), function(name) {
  r <- d[d$unit == name, ]; off <- as.matrix(r[, c("zb", "zc", "zm")]) %*% e$slopes
  f <- function(a) { p <- plogis(a + off); sum(dbinom(r$died, 1, p, log = TRUE)) + .5 * log(sum(p * (1 - p))) }
  optimize(f, c(-20, 20), maximum = TRUE, tol = 1e-12)$maximum
})
ctlm <- list(threshold = 1e-14, maxiter = 10000)
knha <- rma(e$effect, diag(e$cov), mods = ~ hospital + beds + score, data = um, method = "REML", test = "knha", control = ctlm)
full <- rma.mv(e$effect, e$cov, mods = ~ hospital + beds + score, random = ~ 1 | unit, data = um, method = "REML",
               control = list(optimizer = "optim", optmethod = "BFGS", reltol = 1e-15))
golden <- list(
  binomial = e, units = mixed, firth_units = names(firth), firth = unname(firth),
  poisson = effects("days", quasipoisson()), gamma = effects("cost", Gamma("log")), gaussian = effects("y", gaussian()),
  knha = list(beta = drop(coef(knha)), se = knha$se, tau2 = knha$tau2, df = knha$ddf, p = knha$pval),
  full = list(beta = drop(coef(full)), se = full$se, tau2 = full$sigma2))
write_json(golden, "golden.json", digits = NA, auto_unbox = TRUE, pretty = FALSE)
writeLines(c(R.version.string, paste("metafor", packageVersion("metafor"))), "VERSIONS")
