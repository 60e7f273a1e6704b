# Makes golden.json from ../glm/data.csv: a Tweedie model (power 1.5, log link) of costs with zeros, CR2 and CR3 by
# clubSandwich; the modified Park and link tests of a gamma model with CR2; a Poisson rate with exposure; CR3 of OLS.
suppressPackageStartupMessages({library(clubSandwich); library(jsonlite); library(statmod)})
d <- read.csv("../glm/data.csv", stringsAsFactors = TRUE)
ctl <- glm.control(epsilon = 1e-14, maxit = 200)
fit <- function(f, family, data = d) {
  m <- do.call("glm", list(f, family = family, data = data, control = ctl))
  for (i in 1:12) m <- do.call("glm", list(f, family = family, data = data, control = ctl, start = coef(m)))
  m
}
one <- function(m, cluster, type = "CR2") {
  t <- coef_test(m, vcov = type, cluster = cluster, test = "Satterthwaite")
  list(terms = names(coef(m)), beta = unname(coef(m)), se = t$SE, df = if ("df_Satt" %in% names(t)) t$df_Satt else t$df)
}
d$some <- ifelse(seq_len(nrow(d)) %% 7 == 0, 0, d$cost)
tw <- fit(some ~ hospital + beds + age + sex + score, statmod::tweedie(var.power = 1.5, link.power = 0))
m <- fit(cost ~ hospital + beds + age + sex, Gamma("log"))
d$eta <- unname(predict(m)); d$r2 <- (d$cost - exp(d$eta))^2
# Months: a row a unit and age group, its stays as exposure and deaths as counts; and the same rate from single stays.
months <- aggregate(cbind(n = 1, died) ~ unit + age + hospital + score, transform(d, n = 1), sum)
months <- months[order(months$unit, months$age), ]
rate <- fit(died ~ hospital + score + offset(log(n)), quasipoisson(), months)
single <- fit(died ~ hospital + score, quasipoisson(), d)
golden <- list(tweedie = one(tw, d$unit), tweedie_cr3 = one(tw, d$unit, "CR3"),
               ols_cr3 = one(lm(y ~ hospital + beds + age + sex + score, d), d$unit, "CR3"),
               park = one(fit(r2 ~ eta, Gamma("log")), d$unit), link = one(fit(cost ~ eta + I(eta^2), Gamma("log")), d$unit),
               rate = one(rate, months$unit), rate_of_stays = one(single, d$unit))
write_json(golden, "golden.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
writeLines(c(R.version.string, paste("clubSandwich", packageVersion("clubSandwich")), paste("statmod", packageVersion("statmod"))), "VERSIONS")
